// What the host sockets cost, to and from the kernel's loopback, where the sending call also delivers: each
// row is both ends. And the question every new flow asks the policy.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "boost/asio/io_context.hpp"

#include "core/egress/host_datagram.h"
#include "core/egress/host_sockets.h"
#include "core/egress/policy.h"
#include "core/io/descriptor.h"
#include "core/io/sockaddr.h"

namespace wgr::bench {
namespace {

using namespace egress;

constexpr Ready kReadable{.readable = true, .writable = false};

struct Loop {
  boost::asio::io_context context{1};
  std::uint64_t news = 0;
  HostSockets sockets{context, [this](SocketToken, Ready) { ++news; }};

  void wait_for_news() {
    for (const std::uint64_t before = news; news == before;) context.run_one();
  }
};

SocketAddress on_loopback(const DatagramSocket& socket) {
  return {IpAddress::v4(127, 0, 0, 1), socket.local_address().port};
}

enum Mode { kSegmented, kOneByOne };

// `count` datagrams of one size out of one socket and into another.
void UdpBatch(benchmark::State& state) {
  Loop loop;
  const auto from = loop.sockets.open_udp(Family::kV4, 1, 0).socket;
  const auto to = loop.sockets.open_udp(Family::kV4, 2, 0).socket;
  if (!from || !to) return state.SkipWithError("cannot open sockets");
  if (state.range(2) == kOneByOne) dynamic_cast<HostDatagram&>(*from).disable_segmentation();
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::vector<std::uint8_t> payload(static_cast<std::size_t>(state.range(1)), 0x5a);
  const std::vector<DatagramOut> datagrams(count, {.to = on_loopback(*to), .payload = payload});
  std::vector<DatagramIn> received;
  std::uint64_t lost = 0;
  for (auto _ : state) {
    from->send(datagrams);
    received.clear();
    while (received.size() < count) {
      if (to->receive(received, count).would_block()) break;
    }
    lost += count - received.size();
  }
  if (lost != 0) state.SkipWithError("datagrams were lost");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(UdpBatch)
    ->ArgNames({"datagrams", "bytes", "one_by_one"})
    ->Args({1, 64, kSegmented})
    ->Args({32, 64, kSegmented})
    ->Args({32, 64, kOneByOne})
    ->Args({32, 1200, kSegmented})
    ->Args({32, 1200, kOneByOne});

// One datagram that has to wake its reader: a whole turn of the loop.
void UdpTurn(benchmark::State& state) {
  Loop loop;
  const auto from = loop.sockets.open_udp(Family::kV4, 1, 0).socket;
  const auto to = loop.sockets.open_udp(Family::kV4, 2, 0).socket;
  if (!from || !to) return state.SkipWithError("cannot open sockets");
  const std::vector<std::uint8_t> payload(64, 0x5a);
  const DatagramOut datagram{.to = on_loopback(*to), .payload = payload};
  std::vector<DatagramIn> received;
  for (auto _ : state) {
    to->watch_readable();
    from->send({&datagram, 1});
    loop.wait_for_news();
    received.clear();
    while (!to->receive(received, 64).would_block()) {
    }
  }
}
BENCHMARK(UdpTurn);

// A listener and its accepted ends, blocking, so that the benchmark shows our side.
class Listener {
 public:
  Listener() : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage name{};
    const socklen_t length = io::to_sockaddr({IpAddress::v4(127, 0, 0, 1), 0}, name);
    if (bind(descriptor_.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0) return;
    listen(descriptor_.get(), 1024);
  }

  SocketAddress address() const {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    getsockname(descriptor_.get(), reinterpret_cast<sockaddr*>(&name), &length);
    return io::from_sockaddr(name, length).value_or(SocketAddress{});
  }
  io::Descriptor accept() const { return io::Descriptor{::accept(descriptor_.get(), nullptr, nullptr)}; }

 private:
  io::Descriptor descriptor_;
};

// Segments of 1380 bytes written from slots of 1452 and read into such slots, `segments` per call.
void TcpSegments(benchmark::State& state) {
  constexpr std::size_t kPayload = 1380, kStride = 1452;
  Loop loop;
  const Listener listener;
  const auto from = loop.sockets.connect(listener.address(), 1, {}).socket;
  const io::Descriptor accepted = listener.accept();
  if (!from || !accepted) return state.SkipWithError("cannot connect");
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> slots(count * kStride, 0x5a);
  std::vector<iovec> vectors(count);
  for (std::size_t i = 0; i < count; ++i) vectors[i] = {slots.data() + i * kStride, kPayload};
  std::vector<std::uint8_t> sink(count * kPayload);
  for (auto _ : state) {
    const IoResult written = from->write(vectors);
    if (recv(accepted.get(), sink.data(), written.bytes, MSG_WAITALL) !=
        static_cast<ssize_t>(written.bytes)) {
      state.SkipWithError("bytes were lost");
      break;
    }
    send(accepted.get(), sink.data(), written.bytes, 0);
    for (std::size_t read = 0; read < written.bytes;) read += from->read(vectors).bytes;
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(TcpSegments)->ArgName("segments")->Arg(1)->Arg(11)->Arg(44);

// One byte there and back, with the news of it.
void TcpTurn(benchmark::State& state) {
  Loop loop;
  const Listener listener;
  const auto stream = loop.sockets.connect(listener.address(), 1, {}).socket;
  const io::Descriptor accepted = listener.accept();
  if (!stream || !accepted) return state.SkipWithError("cannot connect");
  std::uint8_t byte = 1;
  const iovec vector{&byte, 1};
  for (auto _ : state) {
    stream->watch(kReadable);
    send(accepted.get(), &byte, 1, 0);
    loop.wait_for_news();
    while (!stream->read({&vector, 1}).would_block()) {
    }
  }
}
BENCHMARK(TcpTurn);

// Socket, connect, news, accept, close of both ends.
void TcpConnectAndReset(benchmark::State& state) {
  Loop loop;
  const Listener listener;
  for (auto _ : state) {
    const auto stream = loop.sockets.connect(listener.address(), 1, {}).socket;
    if (!stream) return state.SkipWithError("cannot connect");
    stream->watch({.readable = false, .writable = true});
    loop.wait_for_news();
    if (stream->connect_result() != 0) return state.SkipWithError("not connected");
    const io::Descriptor accepted = listener.accept();
    stream->reset_on_close();
  }
}
BENCHMARK(TcpConnectAndReset);

void PolicyCheck(benchmark::State& state) {
  Policy::Settings settings;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    settings.global.deny.push_back(
        {.prefix = Prefix{IpAddress::v4(1, 2, static_cast<std::uint8_t>(i), 0), 24},
         .address_class = std::nullopt,
         .protocol = std::nullopt});
  }
  settings.own_sockets = {{IpAddress{}, 51820}, {IpAddress::v4(127, 0, 0, 1), 9090}};
  const Policy policy{std::move(settings)};
  const SocketAddress to{IpAddress::v4(8, 8, 8, 8), 443};
  for (auto _ : state) benchmark::DoNotOptimize(policy.check(GuestId{0, 1}, Protocol::kTcp, to));
}
BENCHMARK(PolicyCheck)->ArgName("rules")->Arg(0)->Arg(16);

}  // namespace
}  // namespace wgr::bench
