// What every packet touches: checksum, headers, routes, the outgoing batch.
#include <array>
#include <vector>

#include "benchmark/benchmark.h"

#include "core/endpoint.h"
#include "core/guest_id.h"
#include "core/prefix_table.h"
#include "core/rng.h"
#include "core/wire/ip.h"
#include "core/wire/tcp.h"

namespace wgr::bench {
namespace {

void Checksum(benchmark::State& state) {
  const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(wire::PartialSum::of(bytes).checksum());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Checksum)->Arg(20)->Arg(64)->Arg(1400);

std::vector<std::uint8_t> tcp_packet(std::size_t payload) {
  std::vector<std::uint8_t> packet(40 + payload);
  wire::TcpHeader header;
  header.source_port = 1000;
  header.destination_port = 80;
  header.flags = wire::kTcpAck;
  const IpAddress source = IpAddress::v4(10, 0, 0, 1);
  const IpAddress destination = IpAddress::v4(10, 0, 0, 2);
  wire::write_tcp(MutableBytes{packet}.subspan(20), header, source, destination);
  wire::write_ipv4(packet,
                   {.source = source, .destination = destination, .protocol = wire::IpProtocol::kTcp});
  return packet;
}

void ParseTcpPacket(benchmark::State& state) {
  std::vector<std::uint8_t> packet = tcp_packet(1380);
  for (auto _ : state) {
    const auto ip = wire::IpView::parse(packet);
    benchmark::DoNotOptimize(ip);
    benchmark::DoNotOptimize(wire::TcpView::parse(ip->payload));
  }
}
BENCHMARK(ParseTcpPacket);

void WriteTcpHeaders(benchmark::State& state) {
  std::vector<std::uint8_t> packet = tcp_packet(1380);
  const IpAddress source = IpAddress::v4(10, 0, 0, 1);
  const IpAddress destination = IpAddress::v4(10, 0, 0, 2);
  const wire::PartialSum addresses = wire::address_sum(source, destination);
  wire::TcpHeader header;
  header.flags = wire::kTcpAck;
  for (auto _ : state) {
    header.sequence += 1380;
    const wire::PartialSum payload = wire::PartialSum::of(Bytes{packet}.subspan(40));
    wire::write_tcp(MutableBytes{packet}.subspan(20), header, addresses, payload);
    wire::write_ipv4(packet,
                     {.source = source, .destination = destination, .protocol = wire::IpProtocol::kTcp});
    benchmark::ClobberMemory();
  }
}
BENCHMARK(WriteTcpHeaders);

// As many peers as `range`, each with one IPv4 host route and one IPv6 network.
void RouteLookup(benchmark::State& state) {
  PrefixTable<GuestId> table;
  Rng rng(/*seed=*/1);
  std::vector<IpAddress> wanted;
  for (std::uint32_t i = 1; i <= static_cast<std::uint32_t>(state.range(0)); ++i) {
    const IpAddress v4 = IpAddress::v4(0x0a000000u + i);
    std::array<std::uint8_t, 16> v6{
        0xfd, 0, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    table.insert(Prefix{v4, 32}, GuestId{0, i});
    table.insert(Prefix{IpAddress::from_bytes(v6), 64}, GuestId{0, i});
    wanted.push_back(v4);
  }
  for (std::size_t i = wanted.size(); i > 1; --i) std::swap(wanted[i - 1], wanted[rng.below(i)]);
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(table.lookup(wanted[next]));
    next = next + 1 == wanted.size() ? 0 : next + 1;
  }
}
BENCHMARK(RouteLookup)->Arg(1)->Arg(100)->Arg(10000);

// The packets of one turn into runs, without the cipher.
void DatagramBatchAppend(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  constexpr int kDatagrams = 44;
  DatagramBatch batch;
  const Endpoint to = Endpoint::udp({IpAddress::v4(192, 0, 2, 1), 51820});
  for (auto _ : state) {
    for (int i = 0; i < kDatagrams; ++i) benchmark::DoNotOptimize(batch.append(to, size).data());
    batch.clear();
  }
  state.SetItemsProcessed(state.iterations() * kDatagrams);
}
BENCHMARK(DatagramBatchAppend)->Arg(128)->Arg(1452);

}  // namespace
}  // namespace wgr::bench
