-- Asks about another target each time, so that no two questions have the same fields.
local count = 0

function request()
  count = count + 1
  wrk.headers["X-Original-URI"] = "/reports/" .. count .. "?page=" .. count
  return wrk.format()
end

-- Prints what wrk found as one line of JSON, for wrk.ts. Without request() and response(), wrk's loop stays in C.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('JSON {"requests":%d,"microseconds":%d,"failures":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50), latency:percentile(99)))
end
