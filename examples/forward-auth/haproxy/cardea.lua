-- Asks Cardea about a request (docs/forward-auth.md), for HAProxy 2.6 or newer.

local CARDEA = "http://127.0.0.1:8080"

-- Belongs to the connection, or is set anew below. Everything else goes out with the question, as the client has sent it.
local not_sent = {
  ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true, ["keep-alive"] = true,
  ["proxy-connection"] = true, ["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
  ["x-original-host"] = true, ["x-original-method"] = true, ["x-original-uri"] = true, ["x-original-upgrade"] = true,
}

-- Fields of the answer that are not for the app.
local not_for_app = {
  ["cache-control"] = true, ["connection"] = true, ["content-length"] = true, ["date"] = true, ["set-cookie"] = true,
  ["www-authenticate"] = true, ["x-cardea-remove"] = true, ["x-cardea-target"] = true,
}

local function refuse(txn, status, headers, body)
  local reply = txn:reply()
  reply:set_status(status)
  for name, values in pairs(headers) do
    if name ~= "connection" and name ~= "content-length" and name ~= "date" and name ~= "transfer-encoding" then
      for i = 0, #values do
        if values[i] ~= nil then reply:add_header(name, values[i]) end
      end
    end
  end
  reply:set_body(body or "")
  txn:done(reply)
end

core.register_action("cardea", { "http-req" }, function(txn)
  local asked = txn.http:req_get_headers()
  local headers = {}
  for name, values in pairs(asked) do
    if not not_sent[name] then
      headers[name] = {}
      for i = 0, #values do
        if values[i] ~= nil then table.insert(headers[name], values[i]) end
      end
    end
  end
  local hosts = asked["host"]
  local host = hosts and hosts[0] or ""
  headers["host"] = { host }
  headers["x-original-method"] = { txn.sf:method() }
  headers["x-original-host"] = { host }
  headers["x-original-uri"] = { txn.sf:pathq() }
  if asked["upgrade"] then headers["x-original-upgrade"] = { asked["upgrade"][0] } end

  local answer = core.httpclient():get{ url = CARDEA .. "/auth/validate", headers = headers, timeout = 10000 }
  if answer.status == nil or answer.status == 0 then
    return refuse(txn, 503, {}, "Cardea does not answer\n")
  end
  if answer.status ~= 200 then
    return refuse(txn, answer.status, answer.headers, answer.body)
  end

  local given = answer.headers
  -- First all that may not arrive, then what Cardea says: the other way around it could be taken away again.
  for _, values in pairs(given["x-cardea-remove"] or {}) do
    for name in values:gmatch("[^, ]+") do txn.http:req_del_header(name) end
  end
  txn.http:req_del_header("cookie")
  txn.http:req_del_header("authorization")
  for name, values in pairs(given) do
    if not not_for_app[name] and not name:find("^x%-cardea%-set%-cookie") then
      txn.http:req_set_header(name, values[0])
    end
  end
  local cookies = {}
  for i = 0, #(given["set-cookie"] or {}) do
    local value = given["set-cookie"] and given["set-cookie"][i]
    if value ~= nil then table.insert(cookies, value) end
  end
  txn:set_priv(cookies)
  txn:set_var("txn.cardea_target", given["x-cardea-target"][0])
end, 0)

core.register_action("cardea_cookies", { "http-res" }, function(txn)
  for _, cookie in ipairs(txn:get_priv() or {}) do
    txn.http:res_add_header("set-cookie", cookie)
  end
end, 0)
