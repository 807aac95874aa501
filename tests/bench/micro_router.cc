// A whole shard without sockets, one turn at a time: TCP in bulk both ways, UDP both ways. Only the
// router's part of a turn is timed; the cipher is in it.
#include "benchmark/benchmark.h"

#include "tests/bench/cpu_clock.h"
#include "tests/bench/identities.h"
#include "tests/bench/replay_router.h"

namespace wgr::bench {
namespace {

double began = 0;
double spent = 0;

void watch(bool is_on) {
  if (is_on) {
    began = thread_cpu_seconds();
  } else {
    spent += thread_cpu_seconds() - began;
  }
}

GuestFlowOptions bulk_options() {
  GuestFlowOptions options;
  options.receive_window = options.max_in_flight = 256 * 1024;
  options.acknowledge_every = 44;
  return options;
}

// Time per packet that carries data.
template <typename Moved>
void run(benchmark::State& state, ReplayRouter& router, Moved moved, void (*load)(ReplayRouter&) = nullptr) {
  const auto turn = [&] {
    if (load != nullptr) load(router);
    router.step();
  };
  for (int i = 0; i < 200; ++i) turn();
  const std::uint64_t before = moved(router);
  for (auto _ : state) {
    spent = 0;
    turn();
    state.SetIterationTime(spent);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(moved(router) - before));
}

void ShardTcpDownload(benchmark::State& state) {
  ReplayRouter router(watch);
  router.connect(1, bulk_options(), MemorySockets::kSourcePort);
  run(state, router, [](ReplayRouter& r) { return r.flows().received_bytes() / 1380; });
}
BENCHMARK(ShardTcpDownload)->UseManualTime();

void ShardTcpUpload(benchmark::State& state) {
  ReplayRouter router(watch);
  router.connect(1, bulk_options(), /*port=*/9);
  router.flows().flows().front()->write(GuestFlow::kUnlimited);
  router.flows().nudge(*router.flows().flows().front(), router.now());
  run(state, router, [](ReplayRouter& r) { return r.flows().acknowledged_bytes() / 1380; });
}
BENCHMARK(ShardTcpUpload)->UseManualTime();

void ShardUdpEcho(benchmark::State& state) {
  ReplayRouter router(watch);
  run(
      state, router, [](ReplayRouter& r) { return r.sent() + r.received(); },
      [](ReplayRouter& r) {
        static const GuestUdpPacket packet({inner_address_of(1), 4000}, {IpAddress::v4(127, 0, 0, 1), 7}, 64);
        for (int i = 0; i < 32; ++i) r.send(packet.bytes());
      });
}
BENCHMARK(ShardUdpEcho)->UseManualTime();

}  // namespace
}  // namespace wgr::bench
