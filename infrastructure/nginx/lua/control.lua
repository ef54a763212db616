-- How operators see and set the edge: GET /edge, PUT /edge/shares, PUT /edge/peers/NAME.
local cjson = require("cjson.safe")
local in_flight = require("in_flight")
local peers = require("peers")
local shares = require("shares")
local state = require("state")
local dict = ngx.shared.edge

local M = {}

local function card(peer)
  local ip = peers.ip(peer)
  return {
    name = peer.name,
    colour = peer.colour,
    address = ip and ip .. ":" .. peer.port or cjson.null,
    up = peers.is_up(peer),
    drained = dict:get(peer.drained) == true,
    in_flight = in_flight.of(peer),
  }
end

local function say(status, body)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.say(cjson.encode(body))
end

local function tell()
  local cards = {}
  for _, peer in ipairs(peers.list) do table.insert(cards, card(peer)) end
  say(200, { shares = shares.now(), peers = cards })
end

local function asked()
  ngx.req.read_body()
  return cjson.decode(ngx.req.get_body_data() or "")
end

local function put_shares()
  local new, why = shares.whole(asked())
  if new and ngx.var.arg_force ~= "1" then why = shares.unserved(new) end
  if why then return say(422, { error = why }) end
  local failed = state.set_shares(new)
  if failed then return say(500, { error = failed }) end
  ngx.log(ngx.WARN, "edge: shares are now ", cjson.encode(new))
  tell()
end

local function put_peer(name)
  local peer, wish = peers.named[name], asked()
  if not peer then return say(404, { error = "there is no peer " .. name }) end
  if type(wish) ~= "table" or type(wish.drained) ~= "boolean" then
    return say(422, { error = '{"drained": true} or {"drained": false}' })
  end
  local failed = state.set_drained(peer, wish.drained)
  if failed then return say(500, { error = failed }) end
  ngx.log(ngx.WARN, "edge: ", name, wish.drained and " is drained" or " is no longer drained")
  tell()
end

-- In content_by_lua.
function M.answer()
  local method, path = ngx.req.get_method(), ngx.var.uri
  local name = path:match("^/edge/peers/([^/]+)$")
  if method == "GET" and path == "/edge" then return tell() end
  if method == "PUT" and path == "/edge/shares" then return put_shares() end
  if method == "PUT" and name then return put_peer(name) end
  say(404, { error = "GET /edge, PUT /edge/shares or PUT /edge/peers/NAME" })
end

return M
