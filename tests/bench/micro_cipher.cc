// Sealing and opening a batch, and the tables every datagram passes.
#include <array>
#include <vector>

#include "benchmark/benchmark.h"

#include "wireguard/crypto.h"

namespace wgr::bench {
namespace {

constexpr std::size_t kBatch = 44;

wireguard::AeadKey make_key() { return wireguard::AeadKey(SecretBytes<32>::random()); }

void SealBatch(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const wireguard::AeadKey key = make_key();
  const std::vector<std::uint8_t> packet(size);
  std::vector<std::uint8_t> out(kBatch * (size + wireguard::kTagSize));
  std::uint64_t counter = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      key.seal(counter++, packet, {}, out.data() + i * (size + wireguard::kTagSize));
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.SetBytesProcessed(state.items_processed() * static_cast<std::int64_t>(size));
}
BENCHMARK(SealBatch)->Arg(64)->Arg(1420);

// A datagram can be opened once: the batch is sealed again each round, and that time is not counted.
void OpenBatch(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const wireguard::AeadKey key = make_key();
  const std::vector<std::uint8_t> packet(size);
  const std::size_t stride = size + wireguard::kTagSize;
  std::vector<std::uint8_t> sealed(kBatch * stride);
  for (std::size_t i = 0; i < kBatch; ++i) key.seal(i, packet, {}, sealed.data() + i * stride);
  std::vector<std::uint8_t> opened(sealed.size());
  for (auto _ : state) {
    state.PauseTiming();
    opened = sealed;
    state.ResumeTiming();
    for (std::size_t i = 0; i < kBatch; ++i) {
      if (!key.open(i, MutableBytes{opened}.subspan(i * stride, stride)))
        state.SkipWithError("does not authenticate");
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.SetBytesProcessed(state.items_processed() * static_cast<std::int64_t>(size));
}
BENCHMARK(OpenBatch)->Arg(64)->Arg(1420);

}  // namespace
}  // namespace wgr::bench
