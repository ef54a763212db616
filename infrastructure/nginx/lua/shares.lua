-- How many percent of the requests each colour gets.
local cjson = require("cjson.safe")
local peers = require("peers")
local dict = ngx.shared.edge

local M = {}
local read_from, shares -- what this worker read last, so that a request costs one look-up

-- By colour, each named.
function M.now()
  local text = dict:get("shares")
  if text ~= read_from then
    read_from, shares = text, cjson.decode(text)
  end
  return shares
end

function M.set(new)
  dict:set("shares", cjson.encode(new))
end

-- All to the first colour.
function M.default()
  return assert(M.whole({ [peers.colours[1]] = 100 }))
end

local function has_usable(colour)
  for _, peer in ipairs(peers.of[colour]) do
    if peers.usable(peer) then return true end
  end
  return false
end

-- The shares asked for with every colour named, or nil and why they cannot be.
function M.whole(asked)
  if type(asked) ~= "table" then return nil, "shares are an object: a whole percentage for each colour" end
  local sum, new = 0, {}
  for _, colour in ipairs(peers.colours) do new[colour] = 0 end
  for colour, share in pairs(asked) do
    if not new[colour] then return nil, "there is no colour " .. tostring(colour) end
    if type(share) ~= "number" or share < 0 or share % 1 ~= 0 then
      return nil, "the share of " .. colour .. " is no whole percentage"
    end
    new[colour], sum = share, sum + share
  end
  if sum ~= 100 then return nil, "the shares sum to " .. sum .. ", not to 100" end
  return new
end

-- nil if each colour that is to get something has a peer for it, else why not.
function M.unserved(new)
  for colour, share in pairs(new) do
    if share > 0 and not has_usable(colour) then return colour .. " has no peer that is up and not drained" end
  end
end

-- A colour, by chance.
function M.draw()
  local left = math.random(100)
  for colour, share in pairs(M.now()) do
    left = left - share
    if left <= 0 then return colour end
  end
end

return M
