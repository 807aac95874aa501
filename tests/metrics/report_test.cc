#include "metrics/report.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "metrics/json.h"

namespace wgr::metrics {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// As a module's *counters.h has them.
struct SomeCounters {
  Counter handshakes;
  Gauge peers;
  DropCounters drops;

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("handshakes", handshakes);
    visit("peers", peers);
    visit("drops", drops);
  }
};

Snapshot sample() {
  Snapshot snapshot;
  snapshot.wall = WallTime{std::chrono::sys_days{std::chrono::year{2024} / 5 / 1} + 12h};
  snapshot.taken = Instant{100s};
  snapshot.tcp = {
      .sent_packets = 10, .sent_bytes = 1000, .received_packets = 20, .received_bytes = 20000, .errors = 1};
  snapshot.udp = {
      .sent_packets = 1, .sent_bytes = 100, .received_packets = 2, .received_bytes = 200, .errors = 0};
  snapshot.icmp = {
      .sent_packets = 3, .sent_bytes = 30, .received_packets = 3, .received_bytes = 30, .errors = 0};
  snapshot.tcp_flows = {.created = 7, .closed = 4, .active = 3};
  snapshot.tcp_detail.retransmission_timeouts = 5;
  snapshot.tcp_detail.connects_started = 7;
  snapshot.tcp_detail.connects_succeeded = 6;
  snapshot.tcp_detail.connects_failed = 1;
  snapshot.handshakes = {.peers = 4, .fresh = 2, .stale = 1, .oldest_seconds = 200, .newest_seconds = 3};
  snapshot.process.open_descriptors = 50;
  snapshot.process.descriptors_soft = 200;
  return snapshot;
}

TEST(SnapshotTest, CountersOfSeveralWorkersAddUpByName) {
  SomeCounters one, two;
  one.handshakes.add(3);
  two.handshakes.add(4);
  one.peers.set(5);
  two.peers.set(-1);
  one.drops.count(DropReason::kReplayed, 2);
  two.drops.count(DropReason::kReplayed);

  Snapshot snapshot;
  for (const SomeCounters* counters : {&one, &two}) {
    snapshot.add("wireguard", *counters);
    snapshot.add(counters->drops);
  }
  EXPECT_EQ(snapshot.counters.at("wireguard.handshakes"), 7);
  EXPECT_EQ(snapshot.counters.at("wireguard.peers"), 4);
  EXPECT_FALSE(snapshot.counters.contains("wireguard.drops"));
  EXPECT_EQ(snapshot.drops[static_cast<std::size_t>(DropReason::kReplayed)], 3u);
  EXPECT_EQ(snapshot.total_drops(), 3u);
}

// The faults of the report this one follows: totals counted twice, received TCP always zero.
TEST(ReportTest, TotalIsTheSumOfTheProtocolsInBothDirections) {
  const Traffic total = total_traffic(sample());
  EXPECT_EQ(total.sent_packets, 14u);
  EXPECT_EQ(total.sent_bytes, 1130u);
  EXPECT_EQ(total.received_packets, 25u);
  EXPECT_EQ(total.received_bytes, 20230u);
  EXPECT_EQ(total.errors, 1u);
}

TEST(ReportTest, TextHasTheSectionsThatScriptsLookFor) {
  Report report{ReportFormat::kText};
  const std::string line = report.next(sample());
  EXPECT_THAT(line, testing::StartsWith(
                        "metrics: ts=2024-05-01T12:00:00Z | total: sent=14/1130 recv=25/20230 err=1 | "
                        "tcp: sent=10/1000 recv=20/20000 err=1 act=3 rto=5 dR=0 dial=7/6/1 infl=0 | "
                        "udp: sent=1/100 recv=2/200 err=0 act=0 | "));
  EXPECT_THAT(line, HasSubstr(" | hs: peers=4 fresh=2 stale=1 oldest=200s newest=3s | "));
  EXPECT_THAT(line, HasSubstr(" fds=50/200 eph=unavailable/unavailable ct=unavailable/unavailable"));
  EXPECT_THAT(line, Not(HasSubstr("rate:")));
  EXPECT_THAT(line, Not(HasSubstr("\n")));
}

TEST(ReportTest, SecondReportHasRatesAndDeltas) {
  Report report{ReportFormat::kText};
  Snapshot snapshot = sample();
  report.next(snapshot);
  snapshot.taken += 10s;
  snapshot.tcp.sent_bytes += 12'500'000;  // 10 Mbit/s over 10 s
  snapshot.tcp_detail.retransmission_timeouts += 2;
  const std::string line = report.next(snapshot);
  EXPECT_THAT(line, HasSubstr("rate: sent=10.00Mbit/s recv=0.00Mbit/s"));
  EXPECT_THAT(line, HasSubstr("rto=7 dR=2"));
}

TEST(ReportTest, RatesSurviveAClockThatDidNotMoveAndACounterThatFell) {
  Report report{ReportFormat::kJson};
  Snapshot snapshot = sample();
  report.next(snapshot);
  EXPECT_THAT(report.next(snapshot), Not(HasSubstr("rates")));
  snapshot.taken += 1s;
  snapshot.tcp.sent_bytes = 0;
  EXPECT_THAT(report.next(snapshot), HasSubstr("\"bits_sent_per_sec\":0.00"));
}

TEST(ReportTest, JsonHasEveryKeyThatScriptsLookFor) {
  Snapshot snapshot = sample();
  snapshot.counters["slirp.tcp_opened"] = 7;
  const std::string json = report_json(snapshot, nullptr);
  for (const char* key : {"ts",
                          "total",
                          "tcp",
                          "udp",
                          "tcp_ext",
                          "tcp_active",
                          "udp_active",
                          "wg",
                          "proc",
                          "rt",
                          "srv_limits",
                          "wg_hs",
                          "conns_created",
                          "conns_closed",
                          "pkts_sent",
                          "pkts_recv",
                          "bytes_sent",
                          "bytes_recv",
                          "errors",
                          "rto",
                          "rto_delta",
                          "active_rto_flows",
                          "ack_advanced",
                          "ack_duplicate",
                          "ack_window_update",
                          "dial_start",
                          "dial_ok",
                          "dial_fail",
                          "dial_inflight",
                          "plaintext_from_wg",
                          "plaintext_to_wg",
                          "queue_drops",
                          "peers",
                          "fresh",
                          "stale",
                          "oldest_sec",
                          "newest_sec",
                          "short_packets",
                          "wg_queue_full",
                          "heap_alloc",
                          "heap_inuse",
                          "sys",
                          "nofile_soft",
                          "nofile_hard",
                          "open_fds",
                          "fd_util_pct",
                          "eph_low",
                          "eph_high",
                          "eph_size",
                          "eph_used_est",
                          "eph_util_pct",
                          "ct_max",
                          "ct_used",
                          "ct_util_pct",
                          "rmem_max",
                          "wmem_max",
                          "slirp.tcp_opened",
                          "replayed"}) {
    EXPECT_THAT(json, HasSubstr("\"" + std::string{key} + "\":")) << key;
  }
  EXPECT_THAT(json, HasSubstr("\"fd_util_pct\":25.00"));
  EXPECT_THAT(json, HasSubstr("\"ct_max\":null"));  // absent is not zero
  EXPECT_THAT(json, HasSubstr("\"total\":{\"conns_created\":7,\"conns_closed\":4,\"pkts_sent\":14,"));
}

TEST(ReportTest, EveryDropReasonIsInTheJsonAndOnlyCountedOnesInTheText) {
  Snapshot snapshot;
  snapshot.drops[static_cast<std::size_t>(DropReason::kPolicyDenied)] = 9;
  const std::string json = report_json(snapshot, nullptr);
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    EXPECT_THAT(json, HasSubstr("\"" + std::string{to_string(static_cast<DropReason>(i))} + "\":"));
  }
  const std::string text = report_text(snapshot, nullptr);
  EXPECT_THAT(text, HasSubstr("drops: all=9 policy_denied=9 |"));
}

TEST(JsonTest, TextIsEscapedAndNumbersAreExact) {
  JsonObject inner;
  JsonObject json;
  json.add("a\"b", "line\nquote\"back\\slash\x01\x7f ok");
  json.add("big", std::uint64_t{18446744073709551615u}).add("low", std::int64_t{-5}).add("inner", inner);
  json.add("nan", 0.0 / 0.0).add("none", std::optional<std::uint64_t>{});
  EXPECT_EQ(json.to_string(),
            "{\"a\\\"b\":\"line\\u000aquote\\\"back\\\\slash\\u0001\\u007f ok\",\"big\":18446744073709551615,"
            "\"low\":-5,\"inner\":{},\"nan\":null,\"none\":null}");
}

class ProcessStatsTest : public testing::Test {
 protected:
  ProcessStatsTest() {
    std::string name = testing::TempDir() + "wgr_proc_XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~ProcessStatsTest() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path{root_ + path}.parent_path());
    std::ofstream{root_ + path} << text;
  }
  std::string root_;
};

TEST_F(ProcessStatsTest, ReadsWhatTheKernelWrites) {
  write("/proc/self/status", "Name:\twgrouter\nVmRSS:\t   12345 kB\nThreads:\t5\n");
  write("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  write("/proc/net/sockstat", "sockets: used 100\nTCP: inuse 7 orphan 0\nUDP: inuse 3 mem 1\n");
  write("/proc/net/sockstat6", "TCP6: inuse 2\nUDP6: inuse 1\n");
  write("/proc/sys/net/core/rmem_max", "212992\n");
  const ProcessStats stats = read_process_stats(root_);
  EXPECT_EQ(stats.resident_bytes, 12345u * 1024);
  EXPECT_EQ(stats.threads, 5u);
  EXPECT_EQ(stats.ephemeral_low, 32768u);
  EXPECT_EQ(stats.ephemeral_high, 60999u);
  EXPECT_EQ(port_count(stats), 28232u);
  EXPECT_EQ(stats.ephemeral_used, 13u);
  EXPECT_EQ(stats.receive_buffer_max, 212992u);
  EXPECT_EQ(stats.conntrack_max, std::nullopt);
  EXPECT_EQ(stats.open_descriptors, std::nullopt);
}

TEST_F(ProcessStatsTest, NonsenseIsAbsentNotZero) {
  write("/proc/self/status", "VmRSS: lots kB\n");
  write("/proc/sys/net/ipv4/ip_local_port_range", "60999 32768\n");
  const ProcessStats stats = read_process_stats(root_);
  EXPECT_EQ(stats.resident_bytes, std::nullopt);
  EXPECT_EQ(port_count(stats), std::nullopt);
}

// The name of the program may hold what separates the fields.
TEST_F(ProcessStatsTest, StartIsBootAndTicks) {
  write("/proc/stat", "cpu 1 2 3\nintr " + std::string(20000, '0') + "\nbtime 1700000000\n");
  std::string stat = "7 (a) b (c) S";
  for (int field = 4; field < 22; ++field) stat += " 1";
  write("/proc/self/stat", stat + " " + std::to_string(5 * ::sysconf(_SC_CLK_TCK)) + " 9\n");

  EXPECT_EQ(read_process_stats(root_).start_time, 1700000005.0);
}

TEST_F(ProcessStatsTest, ThisProcessHasMemoryThreadsAndDescriptors) {
  const ProcessStats stats = read_process_stats();
  EXPECT_GT(stats.start_time.value_or(0), 1.6e9);
  EXPECT_GE(stats.cpu_seconds.value_or(-1), 0.0);
  EXPECT_GT(stats.virtual_bytes.value_or(0), 0u);
  EXPECT_GT(stats.resident_bytes.value_or(0), 0u);
  EXPECT_GE(stats.threads.value_or(0), 1u);
  EXPECT_GE(stats.open_descriptors.value_or(0), 3u);
}

}  // namespace
}  // namespace wgr::metrics
