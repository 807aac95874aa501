#include <cstdio>
#include <utility>

#include "metrics/report.h"

namespace wgr::metrics {
namespace {

// Builds "a=1 b=2/3 | c: ..." piece by piece.
class Line {
 public:
  void section(std::string_view name) {
    text_ += text_.empty() ? "" : " | ";
    text_ += name;
    text_ += ':';
  }
  void add(std::string_view key, std::uint64_t value) { word(key, std::to_string(value)); }
  void add(std::string_view key, std::uint64_t first, std::uint64_t second) {
    word(key, std::to_string(first) + "/" + std::to_string(second));
  }
  void add(std::string_view key, ProcessStats::Value value) {
    word(key, value ? std::to_string(*value) : "unavailable");
  }
  void word(std::string_view key, std::string_view value) {
    text_ += ' ';
    text_ += key;
    text_ += '=';
    text_ += value;
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

void add_traffic(Line& line, std::string_view name, const Traffic& traffic) {
  line.section(name);
  line.add("sent", traffic.sent_packets, traffic.sent_bytes);
  line.add("recv", traffic.received_packets, traffic.received_bytes);
  line.add("err", traffic.errors);
}

std::string of(ProcessStats::Value used, ProcessStats::Value all) {
  const auto text = [](ProcessStats::Value value) { return value ? std::to_string(*value) : "unavailable"; };
  return text(used) + "/" + text(all);
}

void add_system(Line& line, const ProcessStats& process) {
  line.section("srv");
  line.word("fds", of(process.open_descriptors, process.descriptors_soft));
  line.word("eph", of(process.ephemeral_used, port_count(process)));
  line.word("ct", of(process.conntrack_used, process.conntrack_max));
  line.section("rt");
  line.add("heap", process.heap_in_use_bytes);
  line.add("sys", process.heap_bytes);
  line.add("rss", process.resident_bytes);
  line.add("threads", process.threads);
}

std::string mbit(double bits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2fMbit/s", bits / 1e6);
  return text;
}

void add_rates(Line& line, const ReportRates* rates) {
  if (rates == nullptr) return;
  line.section("rate");
  line.word("sent", mbit(rates->sent_bits_per_second));
  line.word("recv", mbit(rates->received_bits_per_second));
}

// Only what is not zero: in text the rest is noise.
void add_counters(Line& line, const Snapshot& now) {
  line.section("drops");
  line.add("all", now.total_drops());
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    if (now.drops[i] != 0) line.add(to_string(static_cast<DropReason>(i)), now.drops[i]);
  }
  line.section("counters");
  for (const auto& [name, value] : now.counters) {
    if (value != 0) line.word(name, std::to_string(value));
  }
}

}  // namespace

std::string report_text(const Snapshot& now, const ReportRates* rates) {
  Line line;
  line.section("metrics");
  line.word("ts", time_text(now.wall));
  add_traffic(line, "total", total_traffic(now));
  add_traffic(line, "tcp", now.tcp);
  line.add("act", now.tcp_flows.active);
  line.add("rto", now.tcp_detail.retransmission_timeouts);
  line.add("dR", rates != nullptr ? rates->retransmission_timeouts : std::uint64_t{0});
  const TcpDetail& tcp = now.tcp_detail;
  line.word("dial", std::to_string(tcp.connects_started) + "/" + std::to_string(tcp.connects_succeeded) +
                        "/" + std::to_string(tcp.connects_failed));
  line.add("infl", tcp.connects_running);
  add_traffic(line, "udp", now.udp);
  line.add("act", now.udp_flows.active);
  add_traffic(line, "icmp", now.icmp);
  line.add("act", now.icmp_flows.active);
  line.section("wg");
  line.add("from", now.tunnel.plaintext_received_bytes);
  line.add("to", now.tunnel.plaintext_sent_bytes);
  line.add("drops", now.tunnel.queue_drops);
  line.section("hs");
  line.add("peers", now.handshakes.peers);
  line.add("fresh", now.handshakes.fresh);
  line.add("stale", now.handshakes.stale);
  line.word("oldest", std::to_string(now.handshakes.oldest_seconds) + "s");
  line.word("newest", std::to_string(now.handshakes.newest_seconds) + "s");
  add_system(line, now.process);
  add_rates(line, rates);
  add_counters(line, now);
  return std::move(line).take();
}

}  // namespace wgr::metrics
