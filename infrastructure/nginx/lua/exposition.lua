-- What the edge counts, for Prometheus. docs/edge.md has the same table.
local certificate = require("certificate")
local in_flight = require("in_flight")
local peers = require("peers")
local shares = require("shares")
local dict = ngx.shared.edge

local M = {}
local OUTCOMES = { "1xx", "2xx", "3xx", "4xx", "5xx" }

local function metric(lines, name, kind, help)
  table.insert(lines, "# HELP " .. name .. " " .. help .. "\n# TYPE " .. name .. " " .. kind)
end

local function sample(lines, name, value, ...)
  table.insert(lines, name .. (select("#", ...) > 0 and "{" .. string.format(...) .. "}" or "") .. " " .. value)
end

local function of_peers(lines)
  metric(lines, "edge_peer_up", "gauge", "1 if the instance answers its readiness check.")
  for _, peer in ipairs(peers.list) do
    sample(lines, "edge_peer_up", peers.is_up(peer) and 1 or 0, 'peer="%s",colour="%s"', peer.name, peer.colour)
  end
  metric(lines, "edge_peer_drained", "gauge", "1 if an operator drained the instance.")
  for _, peer in ipairs(peers.list) do
    sample(lines, "edge_peer_drained", dict:get(peer.drained) and 1 or 0, 'peer="%s",colour="%s"', peer.name, peer.colour)
  end
  metric(lines, "edge_peer_in_flight", "gauge", "Requests open at the instance.")
  for _, peer in ipairs(peers.list) do
    sample(lines, "edge_peer_in_flight", in_flight.of(peer), 'peer="%s",colour="%s"', peer.name, peer.colour)
  end
end

local function of_colours(lines)
  metric(lines, "edge_share", "gauge", "Percent of the requests that the colour is to get.")
  for colour, share in pairs(shares.now()) do sample(lines, "edge_share", share, 'colour="%s"', colour) end
  metric(lines, "edge_requests_total", "counter", "Answers by colour and class of status; colour none: no instance was asked.")
  for _, colour in ipairs({ "none", unpack(peers.colours) }) do
    for class, status in ipairs(OUTCOMES) do
      local count = dict:get("requests " .. colour .. " " .. class) or 0
      sample(lines, "edge_requests_total", count, 'colour="%s",status="%s"', colour, status)
    end
  end
end

local function of_clients(lines)
  metric(lines, "edge_rate_limited_total", "counter", "Requests refused by a rate, by code.")
  for _, code in ipairs({ "key_rate_exceeded", "address_rate_exceeded" }) do
    sample(lines, "edge_rate_limited_total", dict:get("refused " .. code) or 0, 'code="%s"', code)
  end
  metric(lines, "edge_connections", "gauge", "Connections of clients, by what they do.")
  for _, what in ipairs({ "reading", "writing", "waiting" }) do
    sample(lines, "edge_connections", ngx.var["connections_" .. what] or 0, 'state="%s"', what)
  end
  metric(lines, "edge_certificate_expires_in_seconds", "gauge", "Time left of the certificate in use.")
  sample(lines, "edge_certificate_expires_in_seconds", certificate.expires_in())
end

-- In content_by_lua.
function M.say()
  local lines = {}
  of_peers(lines)
  of_colours(lines)
  of_clients(lines)
  ngx.header["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
  ngx.say(table.concat(lines, "\n"))
end

return M
