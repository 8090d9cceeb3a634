-- Posts this JSON with each request.
local report = debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'wrk-report.lua'
dofile(report)
function init(args)
  wrk.method = 'POST'
  wrk.body = args[1]
  wrk.headers['Content-Type'] = 'application/json'
end
