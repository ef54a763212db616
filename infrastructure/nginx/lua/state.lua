-- What operators set, kept in a file so that it survives a restart: the shares, and who is drained.
local ffi = require("ffi")
local cjson = require("cjson.safe")
local peers = require("peers")
local shares = require("shares")
local dict = ngx.shared.edge

ffi.cdef([[ int fileno(void *); int fsync(int); ]])

local M = {}
local path = require("settings").state_file

local function drained()
  local found = {}
  for _, peer in ipairs(peers.list) do
    if dict:get(peer.drained) then found[peer.name] = true end
  end
  return found
end

local function set_drained(names)
  for _, peer in ipairs(peers.list) do dict:set(peer.drained, names[peer.name] == true) end
end

-- nil if it stands on the disk, else why not.
local function write(state)
  local file, why = io.open(path .. ".new", "w")
  if not file then return why end
  local written = file:write(cjson.encode(state), "\n") and file:flush() and ffi.C.fsync(ffi.C.fileno(file)) == 0
  file:close()
  if not written then return "cannot write " .. path .. ".new" end
  local renamed, refused = os.rename(path .. ".new", path)
  return not renamed and refused or nil
end

local function read()
  local file, why, code = io.open(path)
  if not file then return nil, code ~= 2 and why or nil end -- 2: there is none yet
  local state = cjson.decode(file:read("*a"))
  file:close()
  if type(state) ~= "table" or type(state.drained) ~= "table" then return nil, path .. " holds no state" end
  local new, wrong = shares.whole(state.shares)
  if not new then return nil, path .. ": " .. wrong end
  return { shares = new, drained = state.drained }
end

-- Take up what the file says. One that cannot be used is told, and left as it is until something is set.
function M.load()
  local state, why = read()
  if why then ngx.log(ngx.ERR, "edge: the kept state is ignored: ", why) end
  shares.set(state and state.shares or shares.default())
  set_drained(state and state.drained or {})
end

-- Set the shares. Returns why it could not be done, if it could not: then nothing is changed.
function M.set_shares(new)
  local why = write({ shares = new, drained = drained() })
  if not why then shares.set(new) end
  return why
end

-- Drain a peer, or take that back. Returns as `set_shares` does.
function M.set_drained(peer, on)
  local names = drained()
  names[peer.name] = on or nil
  local why = write({ shares = shares.now(), drained = names })
  if not why then set_drained(names) end
  return why
end

return M
