// Runs one steady load through a shard without sockets and says how many packets the measured part had.
// Under callgrind only the router's part is counted (replay.py subtracts the cipher):
//
//   bench_replay download|upload|udp [PACKETS]
//   tests/bench/replay.py
//
// Also counts calls of operator new in the measured part: in steady state there should be none.
#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>

#include "tests/bench/identities.h"
#include "tests/bench/replay_router.h"

namespace {

bool is_counting = false;
unsigned long allocations = 0;

void* allocate(std::size_t size) {
  if (is_counting) ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace wgr::bench {
namespace {

bool is_steady = false;

void switch_measurement(bool is_on) {
  if (!is_steady) return;
  is_counting = is_on;
  CALLGRIND_TOGGLE_COLLECT;
}

constexpr std::uint64_t kWarmUp = 4000;        // packets
constexpr std::uint32_t kInTurn = 256 * 1024;  // bytes a guest has in flight: what one receive gives

// Steps until the guest has moved `packets` more packets of data.
template <typename Moved>
void run(ReplayRouter& router, std::uint64_t packets, Moved moved, void (*load)(ReplayRouter&)) {
  const std::uint64_t end = moved(router) + packets;
  for (std::uint64_t turns = 0; moved(router) < end; ++turns) {
    if (turns > 100 * packets) {
      std::fprintf(stderr, "the load has stopped\n");
      std::exit(1);
    }
    if (load != nullptr) load(router);
    router.step();
  }
}

template <typename Moved>
void measure(ReplayRouter& router, std::uint64_t packets, Moved moved,
             void (*load)(ReplayRouter&) = nullptr) {
  run(router, kWarmUp, moved, load);
  const std::uint64_t before = moved(router);
  const std::uint64_t sent = router.sent();
  const std::uint64_t received = router.received();
  is_steady = true;
  run(router, packets, moved, load);
  is_steady = false;
  std::uint64_t retransmissions = 0;
  for (const GuestFlow* flow : router.flows().flows())
    retransmissions += flow->retransmissions() + flow->out_of_order();
  std::printf("packets=%llu from_guest=%llu to_guest=%llu allocations=%lu retransmissions=%llu\n",
              static_cast<unsigned long long>(moved(router) - before),
              static_cast<unsigned long long>(router.sent() - sent),
              static_cast<unsigned long long>(router.received() - received), allocations,
              static_cast<unsigned long long>(retransmissions));
}

GuestFlowOptions bulk_options() {
  GuestFlowOptions options;
  options.receive_window = options.max_in_flight = kInTurn;
  options.acknowledge_every = 44;
  return options;
}

int main(std::string_view load, std::uint64_t packets) {
  ReplayRouter router(switch_measurement);
  if (load == "download") {
    router.connect(1, bulk_options(), MemorySockets::kSourcePort);
    measure(router, packets, [](ReplayRouter& r) { return r.flows().received_bytes() / 1380; });
  } else if (load == "upload") {
    router.connect(1, bulk_options(), /*port=*/9);
    GuestFlow& flow = *router.flows().flows().front();
    flow.write(GuestFlow::kUnlimited);
    router.flows().nudge(flow, router.now());
    measure(router, packets, [](ReplayRouter& r) { return r.flows().acknowledged_bytes() / 1380; });
  } else if (load == "udp") {
    // Both ways count.
    measure(
        router, packets, [](ReplayRouter& r) { return r.sent() + r.received(); },
        [](ReplayRouter& r) {
          static const GuestUdpPacket packet({inner_address_of(1), 4000}, {IpAddress::v4(127, 0, 0, 1), 7},
                                             64);
          for (int i = 0; i < 32; ++i) r.send(packet.bytes());
        });
  } else {
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace wgr::bench

int main(int argc, char** argv) {
  const char* const packets = argc > 2 ? argv[2] : "20000";
  const int result = argc < 2 ? 2 : wgr::bench::main(argv[1], std::strtoull(packets, nullptr, 10));
  if (result == 2) std::fprintf(stderr, "usage: bench_replay download|upload|udp [PACKETS]\n");
  return result;
}
