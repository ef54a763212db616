-- How many requests each peer has open, over all workers; and what of it is each worker's, to be given back if it dies.
local peers = require("peers")
local dict = ngx.shared.edge

local M = {}

local function count(peer, by, pid)
  dict:incr("in_flight " .. peer.name, by, 0)
  dict:incr("in_flight " .. peer.name .. " " .. pid, by, 0)
end

function M.of(peer)
  return dict:get("in_flight " .. peer.name) or 0
end

function M.take(peer)
  count(peer, 1, ngx.worker.pid())
end

function M.release(peer)
  count(peer, -1, ngx.worker.pid())
end

local function is_alive(pid)
  local file = io.open("/proc/" .. pid .. "/stat")
  return file and file:close()
end

-- At the start of a worker: if the one before it in its place is dead, it will release nothing any more.
function M.inherit()
  local place = "worker " .. ngx.worker.id()
  local former = dict:get(place)
  dict:set(place, ngx.worker.pid())
  if not former or is_alive(former) then return end
  for _, peer in ipairs(peers.list) do
    local left = dict:get("in_flight " .. peer.name .. " " .. former) or 0
    if left > 0 then count(peer, -left, former) end
  end
end

return M
