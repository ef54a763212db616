# What gets and renews the edge's certificate, beside it.
ARG DEBIAN_IMAGE=debian:bookworm-20260824-slim
# hadolint ignore=DL3006  # the tag stands in the argument
FROM ${DEBIAN_IMAGE}

# hadolint ignore=DL3008  # Debian drops the version before whenever it mends one, and a pin would then stop the build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates certbot \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin edge \
    && install -d -o edge -g edge /etc/edge/tls /var/lib/acme /var/lib/letsencrypt

COPY renew /opt/edge/renew

USER 10001
ENTRYPOINT ["/opt/edge/renew", "--keep"]

ARG VERSION=0.0.0
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="penstock-acme" \
      org.opencontainers.image.description="What gets and renews the edge's certificate" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
