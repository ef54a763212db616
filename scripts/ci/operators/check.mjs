// Check manifests of kinds that operators bring, a JSON array on standard input, against these operators' schemas: strictly, so
// that a field which no schema knows is an error too. Print what is wrong; exit 1 if there is anything.
import { text } from "node:stream/consumers";

const PACKAGES = {
  "external-secrets.io": "@kubernetes-models/external-secrets",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "keda.sh": "@kubernetes-models/keda",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

// The value, and what will have been read of it: a validator reads what its schema knows, and nothing else.
function watched(value, path, unread) {
  if (typeof value !== "object" || value === null) return value;
  for (const key of Object.keys(value)) unread.add(`${path}/${key}`);
  return new Proxy(value, {
    get(target, key) {
      const found = Reflect.get(target, key);
      if (typeof key !== "string" || !Object.hasOwn(target, key)) return found;
      unread.delete(`${path}/${key}`);
      return watched(found, `${path}/${key}`, unread);
    },
  });
}

async function problems(manifest) {
  const [group, version] = manifest.apiVersion.split("/");
  const { [manifest.kind]: Kind } = await import(`${PACKAGES[group]}/${group}/${version}/${manifest.kind}`);
  const unread = new Set();
  try {
    Kind.prototype.validate.call(watched(manifest, "", unread)); // not of a new one: that would be a copy
  } catch (error) {
    return [error.message];
  }
  return [...unread].map((path) => `${path}: no schema knows it`);
}

let wrong = 0;
for (const manifest of JSON.parse(await text(process.stdin))) {
  for (const problem of await problems(manifest)) {
    console.log(`${manifest.kind} ${manifest.metadata.name}: ${problem}`);
    wrong = 1;
  }
}
process.exit(wrong);
