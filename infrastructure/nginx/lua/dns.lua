-- The IPv4 address of a name, asked of one DNS server each time: containers keep their names, not their addresses.
local settings = require("settings")

local M = {}
local server, port = settings.resolver:match("^([%d.]+):?(%d*)$")

local function first_nameserver()
  for line in io.lines("/etc/resolv.conf") do
    local found = line:match("^%s*nameserver%s+(%d+%.%d+%.%d+%.%d+)")
    if found then return found end
  end
end

local function query(id, name)
  local labels = name:gsub("%.$", ""):gsub("([^.]+)%.?", function(label) return string.char(#label) .. label end)
  return id .. "\1\0" .. "\0\1\0\0\0\0\0\0" .. labels .. "\0" .. "\0\1\0\1" -- recursion, one question: A, IN
end

local function number(data, at)
  local high, low = data:byte(at, at + 1)
  return high * 256 + low
end

local function after_name(data, at)
  while true do
    local length = data:byte(at)
    if length == 0 then return at + 1 end
    if length >= 192 then return at + 2 end -- the rest stands elsewhere
    at = at + length + 1
  end
end

-- The first address in a reply, or nil.
local function first_address(data)
  local at = after_name(data, 13) + 4
  for _ = 1, number(data, 7) do
    at = after_name(data, at)
    local kind, length = number(data, at), number(data, at + 8)
    if kind == 1 and length == 4 then return table.concat({ data:byte(at + 10, at + 13) }, ".") end
    at = at + 10 + length
  end
end

-- The address, or nil and why not: "timeout" if the server says nothing.
function M.address(name, limit_ms)
  server = server or first_nameserver()
  if not server then return nil, "there is no DNS server" end
  local socket = ngx.socket.udp()
  socket:settimeout(limit_ms)
  local ok, why = socket:setpeername(server, tonumber(port) or 53)
  if not ok then return nil, why end
  local id = string.char(math.random(0, 255), math.random(0, 255))
  local data
  ok, why = socket:send(query(id, name))
  if ok then data, why = socket:receive() end
  socket:close()
  if not data then return nil, why end
  local read, address = pcall(first_address, data)
  if data:sub(1, 2) ~= id or not read then return nil, "timeout" end -- no answer to this question
  return address, not address and name .. " does not resolve" or nil
end

return M
