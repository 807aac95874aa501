// What the kernel says about this process and its limits: memory, threads, descriptors, ports, socket
// buffers. What the system does not tell (another kernel, a sandbox) is absent, never zero.
//
// Thread: reading takes a few system calls; call it from a thread that serves no packets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace wgr::metrics {

struct ProcessStats {
  using Value = std::optional<std::uint64_t>;

  // --- memory and threads of this process ---
  Value heap_in_use_bytes;  // allocated by malloc and not freed
  Value heap_bytes;         // taken from the system by malloc
  Value resident_bytes;
  Value virtual_bytes;
  Value threads;
  std::optional<double> cpu_seconds;  // user and system
  std::optional<double> start_time;   // UNIX time
  // --- limits ---
  Value open_descriptors;
  Value descriptors_soft;
  Value descriptors_hard;
  Value ephemeral_low;
  Value ephemeral_high;
  Value ephemeral_used;  // sockets of this network namespace, an upper bound
  Value conntrack_max;
  Value conntrack_used;
  Value receive_buffer_max;
  Value send_buffer_max;
};

struct DescriptorUse {
  ProcessStats::Value open;
  ProcessStats::Value limit;
};
// Only this of it all.
DescriptorUse read_descriptor_use(const std::string& root = "");

// `root` is "" in production; a test points it at a folder that looks like "/".
ProcessStats read_process_stats(const std::string& root = "");

}  // namespace wgr::metrics
