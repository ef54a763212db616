-- Who can be asked: the peers of each colour, and how each stands now. How they stand is shared by all workers.
local dict = ngx.shared.edge

local M = { list = {}, named = {}, colours = {}, of = {} }

local function peer(colour, host, port)
  local is_ip = host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil
  local name = is_ip and host .. ":" .. port or host
  if M.named[name] then error("EDGE_PEERS names " .. name .. " twice", 0) end
  local new = { name = name, colour = colour, host = host, port = tonumber(port), is_ip = is_ip }
  for _, fact in ipairs({ "up", "drained", "silences", "ip", "mute" }) do new[fact] = fact .. " " .. name end
  M.named[name] = new
  table.insert(M.list, new)
  table.insert(M.of[colour], new)
end

-- Read "colour=host:port,host:port colour=...". Raises what is wrong with it.
function M.read(text)
  for word in text:gmatch("%S+") do
    local colour, hosts = word:match("^(%l+)=(.+)$")
    if M.of[colour] then error("EDGE_PEERS names " .. colour .. " twice", 0) end
    table.insert(M.colours, colour)
    M.of[colour] = {}
    for each in hosts:gmatch("[^,]+") do
      local host, port = each:match("^([%w.-]+):(%d+)$")
      if not host then error("EDGE_PEERS: " .. each .. " is no host:port", 0) end
      peer(colour, host, port)
    end
  end
end

-- Where it is, as far as known.
function M.ip(of)
  return of.is_ip and of.host or dict:get(of.ip)
end

function M.is_up(of)
  return dict:get(of.up) == true
end

function M.usable(of)
  return dict:get(of.up) == true and not dict:get(of.drained)
end

-- It counts as down, but only because it is silent: it may be busy. Where nobody else is there, it is asked all the same.
function M.is_last_resort(of)
  return dict:get(of.mute) == true and not dict:get(of.drained)
end

-- It was found to be up or down; a change is told in the log. `mute`: for its silence alone.
function M.found(of, up, why, mute)
  dict:set(of.mute, not up and mute == true)
  if dict:get(of.up) ~= up then
    dict:set(of.up, up)
    ngx.log(ngx.WARN, "edge: ", of.name, up and " is up" or " is down: ", up and "" or why)
  end
end

return M
