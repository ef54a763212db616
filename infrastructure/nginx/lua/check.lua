-- Whether each peer is ready, asked again and again by one worker.
local dns = require("dns")
local peers = require("peers")
local settings = require("settings")
local dict = ngx.shared.edge

local M = {}
local REQUEST = "GET /health/ready HTTP/1.1\r\nHost: edge\r\nUser-Agent: edge\r\nConnection: close\r\n\r\n"
local SILENT = "timeout"

-- Where it is now. A name that no server answers for keeps its last address; nil and why if there is none.
local function locate(peer)
  if peer.is_ip then return peer.host end
  local ip, why = dns.address(peer.host, settings.check_timeout_ms)
  if ip then dict:set(peer.ip, ip) end
  return ip or why == SILENT and dict:get(peer.ip) or nil, why
end

-- true if it says that it is ready, else nil and why not.
local function ask(peer)
  local ip, unknown = locate(peer)
  if not ip then return nil, unknown end
  local socket = ngx.socket.tcp()
  socket:settimeout(settings.check_timeout_ms)
  local ok, why = socket:connect(ip, peer.port)
  if not ok then return nil, why end
  local line
  ok, why = socket:send(REQUEST)
  if ok then line, why = socket:receive("*l") end
  socket:close()
  if not line then return nil, why end
  return line:find("^HTTP/1%.[01] 200") ~= nil or nil, "it answers " .. line
end

-- A peer that says no is out at once; one that is silent has a second chance.
local function look(peer)
  local ready, why = ask(peer)
  local silences = (not ready and why == SILENT) and dict:incr(peer.silences, 1, 0) or 0
  if ready or why ~= SILENT then dict:set(peer.silences, 0) end
  if ready then
    peers.found(peer, true)
  elseif why ~= SILENT or silences >= 2 then
    peers.found(peer, false, why, why == SILENT)
  end
end

-- Look at each peer now, and then at every interval, unless the last look still goes on.
function M.start()
  for _, peer in ipairs(peers.list) do
    local looking = false
    local function turn(premature)
      if premature or looking then return end
      looking = true
      local ok, bug = pcall(look, peer)
      looking = false
      if not ok then ngx.log(ngx.ERR, "edge: checking ", peer.name, ": ", bug) end
    end
    ngx.timer.at(0, turn)
    ngx.timer.every(settings.check_interval_s, turn)
  end
end

return M
