-- How often a key and an address may ask.
local settings = require("settings")
local dict = ngx.shared.limits

local M = {}

-- nil if there is room in the bucket, which one more is then in; else the seconds until there will be.
-- What is kept is the moment at which it will have run empty, and until then only: each step is one atomic command.
local function wait_for(bucket, rate, burst)
  if rate == 0 then return end
  local now, one = ngx.now(), 1 / rate
  local empty_at = dict:incr(bucket, one, now, one)
  if not empty_at then return end -- no memory: rather serve
  local wait = empty_at - now - math.max(burst, 1) * one
  if wait <= 0.0001 then
    dict:expire(bucket, math.max(empty_at - now, 0.001))
    return
  end
  dict:incr(bucket, -one)
  return wait
end

-- An address, or of IPv6 the network that one customer has.
local function address()
  local binary = ngx.var.binary_remote_addr
  return #binary == 16 and binary:sub(1, 8) or binary
end

local function key()
  local authorization = ngx.var.http_authorization
  local bearer = authorization and authorization:match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(%S+)")
  return bearer and ngx.sha1_bin(bearer)
end

local function refuse(code, wait)
  ngx.shared.edge:incr("refused " .. code, 1, 0)
  ngx.var.edge_refused = code
  ngx.var.edge_retry_after = math.ceil(wait)
  return ngx.exit(429)
end

-- In access_by_lua: let the request pass, or end it.
function M.hold()
  local wait = wait_for("address " .. address(), settings.address_rate, settings.address_burst)
  if wait then return refuse("address_rate_exceeded", wait) end
  local hashed = key()
  wait = hashed and wait_for("key " .. hashed, settings.key_rate, settings.key_burst)
  if wait then return refuse("key_rate_exceeded", wait) end
end

return M
