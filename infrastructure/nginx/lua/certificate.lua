-- The certificate that is shown at a handshake: the files' newest pair that fits together, without a reload.
local ffi = require("ffi")
local ssl = require("ngx.ssl")

ffi.cdef([[
  void *OPENSSL_sk_value(const void *, int);
  int X509_check_private_key(void *, void *);
  const void *X509_get0_notAfter(const void *);
  int ASN1_TIME_diff(int *, int *, const void *, const void *);
]])

local M = {}
local LOOK_S = 5
local folder = require("settings").tls_folder
local now = {} -- certificate and key, parsed; their texts

local function text_of(name)
  local file = io.open(folder .. "/" .. name, "rb")
  if not file then return "" end
  local text = file:read("*a")
  file:close()
  return text or ""
end

local function parse(cert_text, key_text)
  local cert, why = ssl.parse_pem_cert(cert_text)
  if not cert then return nil, why end
  local key
  key, why = ssl.parse_pem_priv_key(key_text)
  if not key then return nil, why end
  if ffi.C.X509_check_private_key(ffi.C.OPENSSL_sk_value(cert, 0), key) ~= 1 then
    return nil, "the key is not the certificate's"
  end
  return { cert = cert, key = key }
end

-- Take up the files' pair if it is another than before, and whole. Else the one before stays.
function M.load()
  local cert_text, key_text = text_of("cert.pem"), text_of("key.pem")
  local seen = cert_text .. key_text
  if seen == now.seen then return end
  local new, why = parse(cert_text, key_text)
  now.seen = seen
  if new then
    now.cert, now.key = new.cert, new.key
  else
    ngx.log(ngx.ERR, "edge: the certificate in ", folder, " is not used: ", why)
  end
end

function M.watch()
  ngx.timer.every(LOOK_S, function() M.load() end)
end

-- Seconds until the certificate in use expires.
function M.expires_in()
  local days, seconds = ffi.new("int[1]"), ffi.new("int[1]")
  ffi.C.ASN1_TIME_diff(days, seconds, nil, ffi.C.X509_get0_notAfter(ffi.C.OPENSSL_sk_value(now.cert, 0)))
  return days[0] * 86400 + seconds[0]
end

-- In ssl_certificate_by_lua.
function M.present()
  ssl.clear_certs()
  ssl.set_cert(now.cert)
  ssl.set_priv_key(now.key)
end

return M
