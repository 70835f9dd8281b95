wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
if os.getenv("BENCH_KEY") then wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY") end
-- BENCH_LATER=1: jobs for tomorrow, so that only accepting them is measured; otherwise they are run meanwhile.
local later = os.getenv("BENCH_LATER") == "1" and os.date('!,"run_at":"%Y-%m-%dT%H:%M:%SZ"', os.time() + 86400) or ""
wrk.body = '{"type":"noop","parameters":{}' .. later .. '}'
done = function(summary, latency, requests)
  io.write(string.format("RESULT {\"requests\": %d, \"seconds\": %.6f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"errors\": %d}\n",
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
