#include "metrics/health.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wgr::metrics {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class HealthTest : public testing::Test {
 protected:
  HealthTest() {
    health_.facts() = {.has_listeners = true,
                       .has_forwards = true,
                       .is_configured = true,
                       .open_descriptors = 100,
                       .descriptor_limit = 1000};
    for (WorkerIndex worker = 0; worker < 2; ++worker) health_.ports_told(worker, {});
  }

  HealthAnswer ask(std::string_view path, std::string_view query = "", std::string_view accept = "") {
    return health_.answer(path, query, accept, now_).value();
  }

  Instant now_ = Instant{} + 100s;
  Health health_{HealthConfig{}, /*workers=*/2};
};

TEST_F(HealthTest, HealthyRouterSaysOkEverywhere) {
  for (const char* path : {"/livez", "/readyz", "/healthz"}) {
    EXPECT_EQ(ask(path).status, 200u) << path;
    EXPECT_EQ(ask(path).body, "ok\n") << path;
    EXPECT_EQ(ask(path).content_type, "text/plain; charset=utf-8");
  }
}

TEST_F(HealthTest, AnotherPathIsNotAnswered) { EXPECT_FALSE(health_.answer("/metrics", "", "", now_)); }

TEST_F(HealthTest, RouterThatHasNotSpokenYetIsAliveButNotReady) {
  const Health health{HealthConfig{}, 2};

  EXPECT_EQ(health.answer("/livez", "", "", now_)->status, 200u);
  EXPECT_EQ(health.answer("/readyz", "", "", now_)->status, 503u);
  EXPECT_EQ(health.answer("/readyz", "", "", now_)->body,
            "udp_listening: worker 0 has not told yet\nconfigured: no configuration is in use yet\n");
}

TEST_F(HealthTest, StuckWorkerIsNeitherAliveNorReady) {
  health_.watchdog().heartbeat_sent(1, now_);
  now_ += 12s;

  EXPECT_EQ(ask("/livez").status, 503u);
  EXPECT_EQ(ask("/livez").body, "workers: worker 1 has been silent for 12 s\n");
  EXPECT_EQ(ask("/readyz").status, 503u);

  health_.watchdog().heartbeat_answered(1, now_);
  EXPECT_EQ(ask("/livez").status, 200u);
}

TEST_F(HealthTest, DrainingRouterIsAliveButNotReady) {
  health_.facts().is_draining = true;

  EXPECT_EQ(ask("/livez").status, 200u);
  EXPECT_EQ(ask("/healthz").status, 503u);
  EXPECT_EQ(ask("/healthz").body, "not_draining: stopping\n");
}

TEST_F(HealthTest, PortThatIsNotOpenMakesUnreadyByItsName) {
  health_.ports_told(1, {.udp = {"udp 0.0.0.0:51820"}, .listeners = {}, .forwards = {}});
  EXPECT_EQ(ask("/livez").status, 200u);
  EXPECT_EQ(ask("/readyz").status, 503u);
  EXPECT_EQ(ask("/readyz").body, "udp_listening: not open: udp 0.0.0.0:51820\n");

  health_.ports_told(1, {.udp = {}, .listeners = {"tcp 0.0.0.0:8086"}, .forwards = {}});
  EXPECT_EQ(ask("/readyz").body, "ws_listening: not open: tcp 0.0.0.0:8086\n");

  health_.ports_told(
      1, {.udp = {}, .listeners = {}, .forwards = {"tcp [::]:80 (in use)", "udp [::]:53 (in use)"}});
  EXPECT_EQ(ask("/readyz").body,
            "forwards_listening: not open: tcp [::]:80 (in use), udp [::]:53 (in use)\n");

  health_.ports_told(1, {});
  EXPECT_EQ(ask("/readyz").status, 200u);
}

TEST_F(HealthTest, PortThatSeveralWorkersLackIsNamedOnce) {
  for (WorkerIndex worker = 0; worker < 2; ++worker) {
    health_.ports_told(worker, {.udp = {}, .listeners = {"tcp 0.0.0.0:8086"}, .forwards = {}});
  }
  EXPECT_EQ(ask("/readyz").body, "ws_listening: not open: tcp 0.0.0.0:8086\n");
}

TEST_F(HealthTest, WhatIsNotConfiguredIsNoCheck) {
  EXPECT_THAT(ask("/readyz", "verbose").body, HasSubstr("ws_listening"));
  EXPECT_THAT(ask("/readyz", "verbose").body, HasSubstr("forwards_listening"));

  health_.facts().has_listeners = health_.facts().has_forwards = false;
  EXPECT_THAT(ask("/readyz", "verbose").body, testing::Not(HasSubstr("ws_listening")));
  EXPECT_THAT(ask("/readyz", "verbose").body, testing::Not(HasSubstr("forwards_listening")));
}

TEST_F(HealthTest, TenthOfTheDescriptorsMustBeFree) {
  health_.facts().open_descriptors = 899;
  EXPECT_EQ(ask("/readyz").status, 200u);

  health_.facts().open_descriptors = 900;
  EXPECT_EQ(ask("/readyz").body, "descriptors: 100 of 1000 are free\n");

  health_.facts().open_descriptors = 1200;
  EXPECT_EQ(ask("/readyz").body, "descriptors: 0 of 1000 are free\n");
}

TEST_F(HealthTest, UnknownDescriptorsAreNoReasonToBeUnready) {
  health_.facts().descriptor_limit = std::nullopt;
  EXPECT_EQ(ask("/readyz").status, 200u);
}

TEST_F(HealthTest, FailingProbeIsShownOnly) {
  health_.add_probe("http");
  EXPECT_EQ(ask("/readyz").status, 200u);

  health_.probe_ran("http", false, "timed out", 5s);
  EXPECT_EQ(ask("/readyz").status, 200u);
  EXPECT_THAT(ask("/readyz", "verbose").body,
              HasSubstr(R"("probe_http":{"status":"warning","detail":"timed out"})"));
}

TEST_F(HealthTest, FailingProbeMakesUnreadyWhereThatWasAskedFor) {
  HealthConfig config;
  config.probe.gates_ready = true;
  Health health{config, 1};
  health.facts() = health_.facts();
  health.ports_told(0, {});
  health.add_probe("dns");
  EXPECT_EQ(health.answer("/readyz", "", "", now_)->status, 200u);

  health.probe_ran("dns", false, "no answer", 5s);
  EXPECT_EQ(health.answer("/readyz", "", "", now_)->body, "probe_dns: no answer\n");
  EXPECT_EQ(health.answer("/livez", "", "", now_)->status, 200u);

  health.probe_ran("dns", true, "answered", 20ms);
  EXPECT_EQ(health.answer("/readyz", "", "", now_)->status, 200u);
}

TEST_F(HealthTest, JsonIsGivenOnRequest) {
  const std::string json =
      "{\"status\":\"ok\",\"checks\":{\"workers\":{\"status\":\"ok\",\"detail\":\"2 workers answer\"}}}\n";
  EXPECT_EQ(ask("/livez", "", "text/html, application/JSON;q=0.9").body, json);
  EXPECT_EQ(ask("/livez", "verbose").body, json);
  EXPECT_EQ(ask("/livez", "a=b&format=json").body, json);
  EXPECT_EQ(ask("/livez", "verbose=1").content_type, "application/json");
}

TEST_F(HealthTest, OtherQueriesAreText) {
  for (const char* query : {"format=text", "format", "verbosely", "&&", "=json"}) {
    EXPECT_EQ(ask("/livez", query, "*/*").body, "ok\n") << query;
  }
}

TEST_F(HealthTest, FailureIsInTheJsonToo) {
  health_.facts().is_draining = true;
  const HealthAnswer answer = ask("/readyz", "format=json");

  EXPECT_EQ(answer.status, 503u);
  EXPECT_THAT(answer.body, testing::StartsWith(R"({"status":"failed","checks":{)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("not_draining":{"status":"failed","detail":"stopping"})"));
}

TEST_F(HealthTest, ProbesAndChecksAreToldToTheExporter) {
  health_.add_probe("http");
  health_.probe_ran("http", true, "200", 40ms);
  health_.probe_ran("http", false, "timed out", 5s);
  health_.facts().is_draining = true;
  const std::vector<ProbeStats> probes = health_.probes();

  ASSERT_EQ(probes.size(), 1u);
  EXPECT_EQ(probes[0].succeeded, 1u);
  EXPECT_EQ(probes[0].failed, 1u);
  EXPECT_EQ(probes[0].is_good, false);
  EXPECT_EQ(probes[0].last_duration, 5s);
  std::string failed;
  for (const CheckResult& result : health_.results(now_)) failed += result.is_good ? "" : result.name + " ";
  EXPECT_EQ(failed, "not_draining probe_http ");
}

}  // namespace
}  // namespace wgr::metrics
