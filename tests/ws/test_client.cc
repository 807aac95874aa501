#include "test_client.h"

#include <sys/socket.h>

#include <array>

#include "gtest/gtest.h"

#include "core/io/sockaddr.h"

namespace wgr::ws {

TestClient::TestClient(const SocketAddress& server, std::shared_ptr<const TlsContext> tls,
                       const SocketAddress& from)
    : socket_(socket(server.ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  settings_.message_bytes = 1 << 20;
  settings_.queue_bytes = 1 << 24;
  settings_.accepts_text = true;
  settings_.control_frames_per_second = 1000;
  sockaddr_storage name{};
  if (!from.ip.is_unspecified()) {
    const socklen_t own = io::to_sockaddr(from, name);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), own), 0);
  }
  const socklen_t length = io::to_sockaddr(server, name);
  EXPECT_EQ(connect(socket_.get(), reinterpret_cast<const sockaddr*>(&name), length), 0);
  if (tls == nullptr) return;
  tls_ = TlsChannel::connect(std::move(tls), "localhost");
  tls_->start(unsent_);
}

void TestClient::send(std::string_view text_to_send) {
  if (!has_opened()) {
    waiting_ += text_to_send;
  } else if (tls_ != nullptr) {
    tls_->send(bytes_of(text_to_send), unsent_);
  } else {
    const Bytes bytes = bytes_of(text_to_send);
    unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
  }
  pump();
}

void TestClient::send_last(std::string_view text_to_send) {
  tls_->send(bytes_of(text_to_send), unsent_);
  tls_->close(unsent_);
  pump();
}

void TestClient::upgrade(std::string_view path, std::string_view headers) {
  send("GET " + std::string{path} +
       " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
       std::string{headers} + "\r\n");
}

void TestClient::send_message(std::string_view payload, MessageKind kind) {
  websocket->send(kind, bytes_of(payload));
  pump();
}

void TestClient::close_websocket(std::uint16_t code) {
  websocket->close(code, "", Instant{});
  pump();
}

void TestClient::pump() {
  while (websocket && !websocket->queue().empty() && has_opened()) {
    std::array<Bytes, 1> next;
    websocket->queue().pending(next);
    if (tls_ != nullptr) {
      tls_->send(next[0], unsent_);
    } else {
      unsent_.insert(unsent_.end(), next[0].begin(), next[0].end());
    }
    websocket->queue().consume(next[0].size());
  }
  if (!unsent_.empty() && !is_at_end) {
    const ssize_t size = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size > 0) unsent_.erase(unsent_.begin(), unsent_.begin() + size);
  }
  if (!is_reading_ || is_at_end) return;
  std::array<std::uint8_t, 65536> buffer;
  const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size == 0 || (size < 0 && errno != EAGAIN)) {
    is_at_end = true;
    socket_ = io::Descriptor{};
  }
  if (size <= 0) return;
  bytes_received += static_cast<std::size_t>(size);
  const MutableBytes bytes = MutableBytes{buffer}.first(static_cast<std::size_t>(size));
  if (tls_ == nullptr) return receive(bytes);
  std::vector<std::uint8_t> plain;
  tls_->receive(bytes, plain, unsent_);
  if (has_opened() && !waiting_.empty()) send(std::exchange(waiting_, {}));
  if (!plain.empty()) receive(plain);
}

void TestClient::receive(MutableBytes bytes) {
  if (!is_upgraded) {
    text.append(bytes.begin(), bytes.end());
    const std::size_t end = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 101") || end == std::string::npos) return;
    is_upgraded = true;
    websocket.emplace(Role::kClient, settings_, pool_, rng_, Instant{});
    const std::size_t rest = text.size() - end - 4;
    text.resize(end + 4);
    bytes = bytes.last(rest);
  }
  std::vector<Message> received;
  websocket->receive(bytes, Instant{}, received);
  for (const Message& message : received) messages.emplace_back(message.bytes.begin(), message.bytes.end());
  websocket->end_turn();
}

void TestClient::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_ = io::Descriptor{};
  is_at_end = true;
}

void TestClient::shut_down() { shutdown(socket_.get(), SHUT_WR); }

}  // namespace wgr::ws
