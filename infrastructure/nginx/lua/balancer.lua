-- Which peer a request goes to, and the count of what each has in flight.
local balancer = require("ngx.balancer")
local in_flight = require("in_flight")
local peers = require("peers")
local shares = require("shares")
local dict = ngx.shared.edge

local M = {}
local NGX_BUSY = -3 -- what nginx takes as "nobody is there", and makes 502 of

-- The peer of a colour with the least in flight of those that will do, one of them by chance; nil if there is none.
local function least(colour, will_do, not_this)
  local list, found, fewest = peers.of[colour] or {}, nil, math.huge
  local start = math.random(math.max(1, #list))
  for step = 1, #list do
    local peer = list[(start + step) % #list + 1]
    if peer.name ~= not_this and will_do(peer) then
      local open = in_flight.of(peer)
      if open < fewest then found, fewest = peer, open end
    end
  end
  return found
end

local function pick(not_this)
  local drawn = shares.draw()
  for _, will_do in ipairs({ peers.usable, peers.is_last_resort }) do
    local peer = least(drawn, will_do, not_this)
    for _, colour in ipairs(peers.colours) do
      if peer then return peer end
      if colour ~= drawn then peer = least(colour, will_do, not_this) end
    end
    if peer then return peer end
  end
end

-- What nginx has of the last try, of a variable that lists all tries.
local function last(variable)
  return (ngx.var[variable] or ""):match("([^,: ]+)[,: ]*$")
end

-- The last try is over. If nobody could be connected to, the peer is down; a client that left meanwhile proves nothing.
local function leave(name)
  local peer = peers.named[name]
  if not peer then return end
  in_flight.release(peer)
  local status = last("upstream_status")
  if last("upstream_connect_time") == "-" and (status == "502" or status == "504") then
    peers.found(peer, false, "it could not be connected to")
  end
end

-- In balancer_by_lua, once for each try.
function M.choose()
  local tried = ngx.var.edge_peer
  if balancer.get_last_failure() then leave(tried) else balancer.set_more_tries(1) end
  local peer = pick(tried)
  ngx.var.edge_peer = peer and peer.name or ""
  if not peer then
    ngx.var.edge_refused = "no_instance_ready"
    return ngx.exit(NGX_BUSY)
  end
  ngx.var.edge_colour = peer.colour
  in_flight.take(peer)
  balancer.set_current_peer(peers.ip(peer), peer.port)
end

-- In log_by_lua, once for each request.
function M.done()
  leave(ngx.var.edge_peer)
  local colour = ngx.var.edge_colour
  if not peers.of[colour] then colour = "none" end
  dict:incr("requests " .. colour .. " " .. math.floor(ngx.status / 100), 1, 0)
end

return M
