-- What Lua needs of the settings, as `render` checked them. Read once, by the master: workers do not get its environment.
local function number(name) return tonumber(os.getenv(name)) end

return {
  peers = os.getenv("EDGE_PEERS"),
  resolver = os.getenv("EDGE_RESOLVER"),
  check_interval_s = number("EDGE_CHECK_INTERVAL_S"),
  check_timeout_ms = number("EDGE_CHECK_TIMEOUT_S") * 1000,
  address_rate = number("EDGE_ADDRESS_RATE"),
  address_burst = number("EDGE_ADDRESS_BURST"),
  key_rate = number("EDGE_KEY_RATE"),
  key_burst = number("EDGE_KEY_BURST"),
  state_file = os.getenv("EDGE_STATE_DIR") .. "/state.json",
  tls_folder = os.getenv("EDGE_TLS_DIR"),
}
