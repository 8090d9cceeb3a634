-- Posts so many bytes, the same ones with each request: wrk makes the request once.
local report = debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'wrk-report.lua'
dofile(report)
function init(args)
  wrk.method = 'POST'
  wrk.body = string.rep('x', tonumber(args[1]))
  wrk.headers['Content-Type'] = 'application/octet-stream'
end
