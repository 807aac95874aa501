#include "ws/session.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "core/log.h"

namespace wgr::ws {
namespace {

constexpr std::size_t kMaxPieces = 32;  // of one write: the queue in chunks of 16 KiB, and an answer

std::size_t total(std::span<const Bytes> pieces) {
  std::size_t size = 0;
  for (const Bytes piece : pieces) size += piece.size();
  return size;
}

}  // namespace

Session::Session(io::Descriptor socket, std::unique_ptr<TlsChannel> tls, SessionBuffers& buffers,
                 const Connection::Identity& identity, std::shared_ptr<const Profile> profile,
                 const Connection::Shared& shared, Instant now)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      buffers_(buffers),
      connection_(identity, std::move(profile), shared, now) {}

Session::~Session() = default;

bool Session::watch(egress::Watcher& watcher, egress::SocketToken token) {
  auto added = watcher.add(socket_.get(), token, egress::Watcher::Interest::kReadableAndWritable);
  if (!added) return false;
  watch_.emplace(std::move(*added));
  watch_->ask({.readable = true, .writable = false});
  return true;
}

void Session::read(Instant now) {
  buffers_.out.clear();
  const ssize_t size = recv(socket_.get(), buffers_.read.data(), buffers_.read.size(), MSG_DONTWAIT);
  if (size > 0) {
    const MutableBytes bytes = MutableBytes{buffers_.read}.first(static_cast<std::size_t>(size));
    if (bytes.size() < buffers_.read.size() && !watch_->is_hung_up()) watch_->found_no_more_to_read();
    receive(bytes, now);
  } else if (size == 0) {
    watch_->found_no_more_to_read();
    if (!std::exchange(has_input_ended_, true)) connection_.input_ended(now);  // else close_notify said it
    return;
  } else if (errno == EAGAIN || errno == EINTR) {
    if (errno == EAGAIN) watch_->found_no_more_to_read();
  } else {
    return connection_.lost();
  }
  watch_->ask({.readable = true, .writable = false});
}

void Session::receive(MutableBytes bytes, Instant now) {
  if (tls_ != nullptr) return receive_sealed(bytes, now);
  connection_.receive(bytes, now, buffers_.out);
}

void Session::receive_sealed(Bytes bytes, Instant now) {
  if (tls_->state() == TlsChannel::State::kClosed || tls_->state() == TlsChannel::State::kFailed) return;
  const bool was_handshaking = tls_->state() == TlsChannel::State::kHandshaking;
  buffers_.plain.clear();
  const TlsChannel::State state = tls_->receive(bytes, buffers_.plain, unsent_);
  if (state == TlsChannel::State::kFailed) return tls_failed(now);
  if (state == TlsChannel::State::kHandshaking) return;
  if (was_handshaking) connection_.tls_opened(now);
  if (!buffers_.plain.empty()) connection_.receive(buffers_.plain, now, buffers_.out);
}

// Behind their last message, which end_turn() takes away.
void Session::end_read(Instant now) {
  connection_.end_turn();
  if (tls_ != nullptr && tls_->state() == TlsChannel::State::kClosed && !has_input_ended_) {
    has_input_ended_ = true;
    connection_.input_ended(now);
  }
}

// The alert is worth one attempt. Who spoke HTTP reads no alert: it is answered as it spoke.
void Session::tls_failed(Instant now) {
  const Connection::Identity& identity = connection_.identity();
  log::debug("TLS failed", {{"source", identity.arrival.peer.to_string()}, {"reason", tls_->failure()}});
  if (tls_->met_plain_http()) {
    tls_.reset();
    unsent_ = {};
    return connection_.met_plain_http(now);
  }
  write_unsent();
  connection_.tls_failed();
}

void Session::write(Instant now) {
  bool has_progress = false;
  is_blocked_ = false;
  if (unsent_position_ < unsent_.size()) has_progress = write_unsent();
  if (!is_blocked_ && connection_.has_output()) has_progress |= tls_ ? write_sealed() : write_plain();
  if (connection_.is_ended()) return;
  if (!is_blocked_ && may_shut_down() && !has_output()) shut_down();
  connection_.note_write(has_progress, is_blocked_, now);
  if (is_blocked_) watch_->ask({.readable = false, .writable = true});
}

// Whether a byte has left.
bool Session::write_unsent() {
  const Bytes rest = Bytes{unsent_}.subspan(unsent_position_);
  if (rest.empty()) return false;
  const std::size_t sent = send({&rest, 1});
  unsent_position_ += sent;
  if (unsent_position_ == unsent_.size()) {
    unsent_ = {};
    unsent_position_ = 0;
  }
  return sent > 0;
}

bool Session::write_plain() {
  bool has_progress = false;
  std::array<Bytes, kMaxPieces> pieces;
  while (!is_blocked_ && connection_.has_output()) {
    const std::size_t count = connection_.pending(pieces);
    const std::size_t sent = send(std::span{pieces}.first(count));
    connection_.consume(sent);
    has_progress |= sent > 0;
  }
  return has_progress;
}

bool Session::write_sealed() {
  bool has_progress = false;
  while (!is_blocked_ && connection_.has_output()) {
    if (!tls_->may_send()) {
      connection_.lost();
      return has_progress;
    }
    buffers_.sealed.clear();
    const std::size_t size = gather();
    tls_->send(Bytes{buffers_.gathered}.first(size), buffers_.sealed);
    connection_.consume(size);
    const Bytes sealed = buffers_.sealed;
    const std::size_t sent = send({&sealed, 1});
    has_progress |= sent > 0;
    if (sent < sealed.size())
      unsent_.assign(sealed.begin() + static_cast<std::ptrdiff_t>(sent), sealed.end());
  }
  return has_progress;
}

// Many small messages as few records. Returns how many bytes are in buffers.gathered.
std::size_t Session::gather() {
  buffers_.gathered.resize(SessionBuffers::kSealBytes);
  std::array<Bytes, kMaxPieces> pieces;
  const std::size_t count = connection_.pending(pieces);
  std::size_t size = 0;
  for (const Bytes piece : std::span{pieces}.first(count)) {
    const std::size_t taken = std::min(piece.size(), buffers_.gathered.size() - size);
    std::memcpy(buffers_.gathered.data() + size, piece.data(), taken);
    size += taken;
    if (taken < piece.size()) break;
  }
  return size;
}

// Returns how many bytes the kernel took; notes when it takes no more.
std::size_t Session::send(std::span<const Bytes> from) {
  std::array<iovec, kMaxPieces> vectors;
  assert(from.size() <= vectors.size());
  std::transform(from.begin(), from.end(), vectors.begin(),
                 [](Bytes piece) { return iovec{const_cast<std::uint8_t*>(piece.data()), piece.size()}; });
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = from.size();
  const ssize_t size = sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size < 0 && errno != EAGAIN) {
    is_blocked_ = true;  // ends every loop
    if (errno != EINTR) connection_.lost();
    return 0;
  }
  const std::size_t sent = size < 0 ? 0 : static_cast<std::size_t>(size);
  if (sent < total(from)) {
    is_blocked_ = true;
    watch_->found_no_more_room();
  }
  return sent;
}

void Session::shut_down() {
  has_shut_down_ = true;
  if (tls_ != nullptr && tls_->state() != TlsChannel::State::kFailed) {
    tls_->close(unsent_);
    write_unsent();
    is_blocked_ = false;
    unsent_ = {};
    unsent_position_ = 0;
  }
  shutdown(socket_.get(), SHUT_WR);
  if (has_input_ended_) connection_.lost();
}

void Session::abandon() {
  if (has_shut_down_) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace wgr::ws
