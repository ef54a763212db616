-- The errors that the edge makes itself, in OpenAI's shape. docs/edge.md has the same table.
local cjson = require("cjson.safe")

local M = {}
local CLIENT, LIMIT, SERVER = "invalid_request_error", "rate_limit_error", "server_error"

local BY_CODE = {
  invalid_request = { 400, CLIENT, "This is no HTTP that can be read." },
  not_found = { 404, CLIENT, "There is nothing here." },
  method_not_allowed = { 405, CLIENT, "This method is not known here." },
  request_timeout = { 408, CLIENT, "The request did not arrive in time." },
  request_too_large = { 413, CLIENT, "The body is too large." },
  request_uri_too_large = { 414, CLIENT, "The request line is too large." },
  key_rate_exceeded = { 429, LIMIT, "This key sends too many requests." },
  address_rate_exceeded = { 429, LIMIT, "This address sends too many requests." },
  too_many_open = { 429, LIMIT, "This address has too many requests open." },
  request_headers_too_large = { 431, CLIENT, "The headers are too large." },
  edge_error = { 500, SERVER, "Something went wrong here." },
  instance_lost = { 502, SERVER, "The instance broke off before it answered; it may have begun." },
  no_instance_ready = { 503, SERVER, "No instance is ready." },
  instance_timeout = { 504, SERVER, "The instance did not answer in time." },
}

local BY_STATUS = { [429] = "too_many_open" }
for code, each in pairs(BY_CODE) do BY_STATUS[each[1]] = BY_STATUS[each[1]] or code end

-- The code of what went wrong, and its status; seldom ones keep theirs under a general code.
local function which()
  local told = ngx.var.edge_refused or ""
  local code = BY_CODE[told] and told or BY_STATUS[ngx.status]
  if code then return code, BY_CODE[code][1] end
  return ngx.status < 500 and "invalid_request" or "edge_error", ngx.status
end

-- In content_by_lua, after nginx or another part has made an error.
function M.say()
  local code, status = which()
  local _, kind, message = unpack(BY_CODE[code])
  ngx.var.edge_refused = code
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  if status == 429 or status == 503 then ngx.header["Retry-After"] = math.max(1, tonumber(ngx.var.edge_retry_after) or 1) end
  local body = cjson.encode({ error = { message = message, type = kind, param = cjson.null, code = code } })
  ngx.header["Content-Length"] = #body
  ngx.print(body)
end

return M
