#include "metrics/process_stats.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

#include "core/text.h"

namespace wgr::metrics {
namespace {

using Value = ProcessStats::Value;

// A file, at most 1 MiB of it; empty when it cannot be read. Files of /proc have no size to ask for.
std::string read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "re"), std::fclose};
  if (!file) return {};
  constexpr std::size_t kMax = 1024 * 1024;
  std::string text;
  std::array<char, 8192> part;
  for (std::size_t size = part.size(); size == part.size() && text.size() < kMax;) {
    size = std::fread(part.data(), 1, part.size(), file.get());
    text.append(part.data(), size);
  }
  return text;
}

std::string_view next_word(std::string_view& text) {
  constexpr std::string_view kSpace = " \t\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kSpace));
  text.remove_prefix(word.size());
  return word;
}

Value first_number(const std::string& path) {
  const std::string text = read_file(path);
  std::string_view rest = text;
  return parse_number(next_word(rest));
}

// The number after `key` at the beginning of a line or after a space: "VmRSS:  123 kB", "inuse 7".
Value number_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + key.size());
  return parse_number(next_word(text));
}

Value count_entries(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir(path.c_str()), ::closedir};
  if (!folder) return std::nullopt;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count > 0 ? count - 1 : 0;  // the folder's own descriptor
}

Value limit(rlim_t value) {
  if (value == RLIM_INFINITY) return std::nullopt;
  return std::uint64_t{value};
}

Value sum(Value a, Value b) {
  if (!a && !b) return std::nullopt;
  return a.value_or(0) + b.value_or(0);
}

// Sockets of both families share the range of ephemeral ports.
Value used_ports(const std::string& root) {
  const std::string v4 = read_file(root + "/proc/net/sockstat");
  const std::string v6 = read_file(root + "/proc/net/sockstat6");
  const Value tcp = sum(number_after(v4, "TCP: inuse "), number_after(v6, "TCP6: inuse "));
  const Value udp = sum(number_after(v4, "UDP: inuse "), number_after(v6, "UDP6: inuse "));
  return sum(tcp, udp);
}

std::optional<double> cpu_seconds() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// proc(5): field 22 of stat is the start in clock ticks after boot. The name of the program, field 2, may
// hold spaces and parentheses.
std::optional<double> start_time(const std::string& root) {
  const Value boot = number_after(read_file(root + "/proc/stat"), "btime ");
  const std::string stat = read_file(root + "/proc/self/stat");
  const std::size_t name_end = stat.rfind(')');
  const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  if (!boot || name_end == std::string::npos || ticks_per_second <= 0) return std::nullopt;
  constexpr int kFieldsBetween = 19;  // 3 to 21
  std::string_view rest = std::string_view{stat}.substr(name_end + 1);
  for (int i = 0; i < kFieldsBetween; ++i) next_word(rest);
  const Value ticks = parse_number(next_word(rest));
  if (!ticks) return std::nullopt;
  return static_cast<double>(*boot) + static_cast<double>(*ticks) / static_cast<double>(ticks_per_second);
}

}  // namespace

DescriptorUse read_descriptor_use(const std::string& root) {
  rlimit descriptors{};
  const bool is_known = ::getrlimit(RLIMIT_NOFILE, &descriptors) == 0;
  return {count_entries(root + "/proc/self/fd"), is_known ? limit(descriptors.rlim_cur) : std::nullopt};
}

ProcessStats read_process_stats(const std::string& root) {
  ProcessStats stats;
  const struct mallinfo2 heap = ::mallinfo2();
  stats.heap_in_use_bytes = heap.uordblks + heap.hblkhd;
  stats.heap_bytes = heap.arena + heap.hblkhd;

  const std::string status = read_file(root + "/proc/self/status");
  if (const Value resident = number_after(status, "VmRSS:")) stats.resident_bytes = *resident * 1024;
  if (const Value size = number_after(status, "VmSize:")) stats.virtual_bytes = *size * 1024;
  stats.cpu_seconds = cpu_seconds();
  stats.start_time = start_time(root);
  stats.threads = number_after(status, "Threads:");

  stats.open_descriptors = count_entries(root + "/proc/self/fd");
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    stats.descriptors_soft = limit(descriptors.rlim_cur);
    stats.descriptors_hard = limit(descriptors.rlim_max);
  }

  const std::string ports = read_file(root + "/proc/sys/net/ipv4/ip_local_port_range");
  std::string_view rest = ports;
  stats.ephemeral_low = parse_number(next_word(rest));
  stats.ephemeral_high = parse_number(next_word(rest));
  stats.ephemeral_used = used_ports(root);

  stats.conntrack_max = first_number(root + "/proc/sys/net/netfilter/nf_conntrack_max");
  stats.conntrack_used = first_number(root + "/proc/sys/net/netfilter/nf_conntrack_count");
  stats.receive_buffer_max = first_number(root + "/proc/sys/net/core/rmem_max");
  stats.send_buffer_max = first_number(root + "/proc/sys/net/core/wmem_max");
  return stats;
}

}  // namespace wgr::metrics
