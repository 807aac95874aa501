#include "tests/bench/memory_sockets.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace wgr::bench {
namespace {

std::size_t size_of(std::span<const iovec> pieces) {
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  return size;
}

class MemoryStream : public egress::StreamSocket {
 public:
  MemoryStream(MemorySockets& sockets, egress::SocketToken token, bool is_source)
      : sockets_(sockets), token_(token), is_source_(is_source) {}

  int connect_result() override { return 0; }

  egress::IoResult read(std::span<const iovec> into) override {
    if (!is_source_) return {.bytes = 0, .error = EAGAIN};
    const std::size_t size = std::min(size_of(into), MemorySockets::kReadSize);
    sockets_.bytes_read += size;
    return {.bytes = size};
  }

  egress::IoResult write(std::span<const iovec> from) override {
    const std::size_t size = size_of(from);
    sockets_.bytes_written += size;
    return {.bytes = size};
  }

  void shutdown_send() override {}
  void reset_on_close() override {}

  void watch(egress::Ready interest) override {
    const egress::Ready ready{.readable = interest.readable && is_source_, .writable = interest.writable};
    if (ready.readable || ready.writable) sockets_.post({token_, ready});
  }

 private:
  MemorySockets& sockets_;
  const egress::SocketToken token_;
  const bool is_source_;
};

class MemoryDatagrams : public egress::DatagramSocket {
 public:
  MemoryDatagrams(MemorySockets& sockets, egress::SocketToken token) : sockets_(sockets), token_(token) {}

  egress::IoResult send(std::span<const egress::DatagramOut> datagrams) override {
    for (const egress::DatagramOut& datagram : datagrams) {
      if (waiting_ == stored_.size()) break;
      Stored& stored = stored_[waiting_++];
      stored.from = datagram.to;
      stored.size = std::min(datagram.payload.size(), stored.bytes.size());
      std::memcpy(stored.bytes.data(), datagram.payload.data(), stored.size);
    }
    sockets_.datagrams += datagrams.size();
    notify();
    return {.bytes = datagrams.size()};
  }

  egress::IoResult receive(std::vector<egress::DatagramIn>& into, std::size_t limit) override {
    const std::size_t count = std::min(waiting_, limit);
    for (std::size_t i = 0; i < count; ++i) {
      into.push_back({.from = stored_[i].from, .payload = Bytes{stored_[i].bytes}.first(stored_[i].size)});
    }
    waiting_ = 0;
    if (count == 0) return {.bytes = 0, .error = EAGAIN};
    return {.bytes = count};
  }

  void receive_errors(std::vector<egress::SocketError>&) override {}

  void watch_readable() override {
    is_watched_ = true;
    notify();
  }

  SocketAddress local_address() const override { return {IpAddress::v4(127, 0, 0, 1), 40000}; }

 private:
  struct Stored {
    SocketAddress from;
    std::size_t size = 0;
    std::array<std::uint8_t, 1500> bytes;
  };

  void notify() {
    if (!is_watched_ || waiting_ == 0) return;
    is_watched_ = false;
    sockets_.post({token_, {.readable = true, .writable = false}});
  }

  MemorySockets& sockets_;
  const egress::SocketToken token_;
  bool is_watched_ = false;
  std::size_t waiting_ = 0;
  std::array<Stored, 256> stored_;
};

}  // namespace

egress::Opened<egress::StreamSocket> MemorySockets::connect(const SocketAddress& remote,
                                                            egress::SocketToken token,
                                                            const egress::StreamOptions&) {
  return {.socket = std::make_unique<MemoryStream>(*this, token, remote.port == kSourcePort)};
}

egress::Opened<egress::DatagramSocket> MemorySockets::open_udp(Family, egress::SocketToken token,
                                                               std::uint16_t) {
  return {.socket = std::make_unique<MemoryDatagrams>(*this, token)};
}

egress::Opened<egress::PingSocket> MemorySockets::open_ping(Family, egress::SocketToken) {
  return {.socket = nullptr, .error = EACCES};
}

void MemorySockets::take_events(std::vector<SocketEvent>& into) {
  into.clear();
  into.swap(events_);
}

}  // namespace wgr::bench
