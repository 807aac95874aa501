#include "slirp/dns_exchange.h"

#include <array>
#include <cerrno>
#include <utility>

namespace wgr::slirp {
namespace {

constexpr std::size_t kReadSize = 16 * 1024;
constexpr int kReadsPerTurn = 8;

}  // namespace

DnsExchange::DnsExchange(std::unique_ptr<egress::StreamSocket> socket, Bytes query)
    : socket_(std::move(socket)), query_(DnsFrame::of(query)) {
  wait_for({.writable = true});
}

DnsExchange::State DnsExchange::wait_for(egress::Ready news) {
  socket_->watch(news);
  return State::kWaiting;
}

DnsExchange::State DnsExchange::proceed() {
  if (!is_connected_) return connect();
  return written_ < query_.framed().size() ? write() : read();
}

DnsExchange::State DnsExchange::connect() {
  const int error = socket_->connect_result();
  if (error == EINPROGRESS) return wait_for({.writable = true});
  if (error != 0) return State::kFailed;
  is_connected_ = true;
  return write();
}

DnsExchange::State DnsExchange::write() {
  while (written_ < query_.framed().size()) {
    const Bytes rest = query_.framed().subspan(written_);
    const iovec piece{.iov_base = const_cast<std::uint8_t*>(rest.data()), .iov_len = rest.size()};
    const egress::IoResult result = socket_->write({&piece, 1});
    written_ += result.bytes;
    if (result.would_block()) return wait_for({.writable = true});
    if (result.error != 0) return State::kFailed;
    if (result.bytes == 0) return wait_for({.writable = true});
  }
  return read();
}

DnsExchange::State DnsExchange::read() {
  std::array<std::uint8_t, kReadSize> buffer;
  const iovec room{.iov_base = buffer.data(), .iov_len = buffer.size()};
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const egress::IoResult result = socket_->read({&room, 1});
    reply_.take(Bytes{buffer.data(), result.bytes});
    if (reply_.is_whole()) return State::kAnswered;
    if (result.is_end || (result.error != 0 && !result.would_block())) return State::kFailed;
    if (result.bytes == 0) break;
  }
  return wait_for({.readable = true});
}

}  // namespace wgr::slirp
