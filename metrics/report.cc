#include "metrics/report.h"

#include <ctime>
#include <optional>

namespace wgr::metrics {
namespace {

// Counters only rise; a smaller one means a worker left, and then there is no rate to tell.
double rate(std::uint64_t now, std::uint64_t before, double seconds) {
  return now >= before ? static_cast<double>(now - before) / seconds : 0;
}

std::optional<ReportRates> rates_between(const Snapshot& before, const Snapshot& now) {
  const double seconds = std::chrono::duration<double>(now.taken - before.taken).count();
  if (seconds <= 0) return std::nullopt;
  const Traffic then = total_traffic(before);
  const Traffic traffic = total_traffic(now);
  const std::uint64_t timeouts = now.tcp_detail.retransmission_timeouts;
  const std::uint64_t timeouts_before = before.tcp_detail.retransmission_timeouts;
  return ReportRates{
      .seconds = seconds,
      .sent_bits_per_second = 8 * rate(traffic.sent_bytes, then.sent_bytes, seconds),
      .received_bits_per_second = 8 * rate(traffic.received_bytes, then.received_bytes, seconds),
      .sent_packets_per_second = rate(traffic.sent_packets, then.sent_packets, seconds),
      .received_packets_per_second = rate(traffic.received_packets, then.received_packets, seconds),
      .retransmission_timeouts = timeouts >= timeouts_before ? timeouts - timeouts_before : 0,
  };
}

}  // namespace

std::string Report::next(const Snapshot& now) {
  const std::optional<ReportRates> rates = former_ ? rates_between(*former_, now) : std::nullopt;
  former_ = now;
  const ReportRates* known = rates ? &*rates : nullptr;
  return format_ == ReportFormat::kJson ? report_json(now, known) : report_text(now, known);
}

Traffic total_traffic(const Snapshot& snapshot) {
  Traffic total;
  for (const Traffic* traffic : {&snapshot.tcp, &snapshot.udp, &snapshot.icmp}) {
    total.sent_packets += traffic->sent_packets;
    total.sent_bytes += traffic->sent_bytes;
    total.received_packets += traffic->received_packets;
    total.received_bytes += traffic->received_bytes;
    total.errors += traffic->errors;
  }
  return total;
}

FlowTotals total_flows(const Snapshot& snapshot) {
  FlowTotals total;
  for (const FlowTotals* flows : {&snapshot.tcp_flows, &snapshot.udp_flows, &snapshot.icmp_flows}) {
    total.created += flows->created;
    total.closed += flows->closed;
    total.active += flows->active;
  }
  return total;
}

std::string time_text(WallTime wall) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
  const std::time_t time = seconds.time_since_epoch().count();
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

ProcessStats::Value port_count(const ProcessStats& process) {
  if (!process.ephemeral_low || !process.ephemeral_high || *process.ephemeral_high < *process.ephemeral_low) {
    return std::nullopt;
  }
  return *process.ephemeral_high - *process.ephemeral_low + 1;
}

}  // namespace wgr::metrics
