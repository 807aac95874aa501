#include "ws/client_stream.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace wgr::ws {
namespace {

constexpr std::size_t kMaxAnswerHeader = 16 * 1024;
constexpr std::size_t kSealAtOnce = 64 * 1024;  // four records
constexpr std::size_t kMaxPieces = 16;

}  // namespace

ClientStream::ClientStream(const Target& target, std::shared_ptr<const TlsContext> tls,
                           const WebSocket::Settings& settings, ChunkPool& pool, Rng& rng)
    : target_(target), settings_(settings), pool_(pool), rng_(rng), tls_context_(std::move(tls)) {
  if (!target_.behind_proxy.empty()) {
    ask_proxy();
  } else {
    begin_tls();
  }
}

// ---- the way up

void ClientStream::ask_proxy() {
  state_ = State::kProxy;
  parser_.emplace(kMaxAnswerHeader);
  append("CONNECT " + target_.behind_proxy + " HTTP/1.1\r\nHost: " + target_.behind_proxy + "\r\n");
  if (!target_.proxy_authorization.empty()) {
    append("Proxy-Authorization: " + target_.proxy_authorization + "\r\n");
  }
  append("\r\n");
}

void ClientStream::begin_tls() {
  if (!tls_context_) return begin_upgrade();
  state_ = State::kTls;
  tls_ = TlsChannel::connect(tls_context_, target_.host);
  tls_->start(out_);
}

void ClientStream::begin_upgrade() {
  state_ = State::kUpgrade;
  parser_.emplace(kMaxAnswerHeader);
  upgrade_.host = target_.authority;
  upgrade_.target = target_.path;
  upgrade_.key = make_key(rng_);
  append(to_text(upgrade_));
}

void ClientStream::append(std::string_view text) {
  const Bytes bytes = bytes_of(text);
  if (tls_) {
    tls_->send(bytes, out_);
  } else {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
}

// ---- input

void ClientStream::receive(MutableBytes bytes, std::vector<std::uint8_t>& plain, Instant now,
                           std::vector<Message>& out) {
  if (state_ == State::kProxy) {
    bytes = take_answer(bytes);
    if (parser_->state() != HttpAnswerParser::State::kComplete) return;
    proxy_answered();
  }
  if (bytes.empty() || state_ == State::kClosed) return;
  if (tls_) {
    receive_sealed(bytes, plain, now, out);
  } else {
    receive_plain(bytes, now, out);
  }
}

MutableBytes ClientStream::take_answer(MutableBytes bytes) {
  const std::size_t taken = parser_->receive(bytes);
  if (parser_->state() == HttpAnswerParser::State::kFailed) {
    fail(state_ == State::kProxy ? "the proxy speaks no HTTP" : "it speaks no HTTP");
  }
  return bytes.subspan(taken);
}

void ClientStream::proxy_answered() {
  const unsigned status = parser_->answer().status;
  if (status / 100 != 2) return fail("the proxy answers " + std::to_string(status));
  begin_tls();
}

void ClientStream::receive_sealed(MutableBytes bytes, std::vector<std::uint8_t>& plain, Instant now,
                                  std::vector<Message>& out) {
  plain.clear();
  const TlsChannel::State state = tls_->receive(bytes, plain, out_);
  if (state == TlsChannel::State::kFailed) return fail("TLS: " + std::string{tls_->failure()});
  if (state == TlsChannel::State::kHandshaking) return;
  if (state_ == State::kTls && state == TlsChannel::State::kOpen) begin_upgrade();
  if (!plain.empty()) receive_plain(plain, now, out);
  if (state == TlsChannel::State::kClosed) input_ended();
}

void ClientStream::receive_plain(MutableBytes bytes, Instant now, std::vector<Message>& out) {
  if (state_ == State::kUpgrade) {
    bytes = take_answer(bytes);
    if (state_ == State::kClosed || parser_->state() != HttpAnswerParser::State::kComplete) return;
    upgrade_answered(now);
  }
  if (!websocket_) return;
  websocket_->receive(bytes, now, out);
  follow_websocket();
}

void ClientStream::upgrade_answered(Instant now) {
  const std::optional<std::string> fault = find_fault(upgrade_, parser_->answer());
  if (fault) return fail(*fault);
  parser_.reset();
  state_ = State::kOpen;
  websocket_.emplace(Role::kClient, settings_, pool_, rng_, now);
}

void ClientStream::follow_websocket() {
  if (websocket_->state() != WebSocket::State::kClosed || state_ == State::kClosed) return;
  using Ending = WebSocket::Ending;
  if (websocket_->ending() == Ending::kDead) return fail("two pings were not answered");
  if (websocket_->ending() == Ending::kByUs) return fail("closed by us");
  const bool is_theirs = websocket_->ending() == Ending::kByOtherSide;
  fail((is_theirs ? "it closed with " : "it broke the protocol, close code ") +
       std::to_string(websocket_->ended_with()));
}

void ClientStream::end_turn() noexcept {
  if (websocket_) websocket_->end_turn();
}

void ClientStream::input_ended() { fail("it ended the connection"); }

void ClientStream::fail(std::string why) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  failure_ = std::move(why);
}

// ---- output

bool ClientStream::send(Bytes message) {
  return state_ == State::kOpen && websocket_->send(MessageKind::kBinary, message);
}

void ClientStream::close(std::uint16_t code, std::string_view reason, Instant now) {
  if (websocket_) {
    websocket_->close(code, reason, now);
  } else {
    fail("closed by us");
  }
}

std::size_t ClientStream::pending(std::span<Bytes> out) {
  if (out_position_ == out_.size() && tls_ && websocket_) seal();
  if (out_position_ < out_.size()) {
    out[0] = Bytes{out_}.subspan(out_position_);
    return 1;
  }
  return !tls_ && websocket_ ? websocket_->queue().pending(out) : 0;
}

// Many small messages as few records, sealed only when the socket takes them: until then the oldest can
// still give way.
void ClientStream::seal() {
  if (tls_->state() != TlsChannel::State::kOpen || websocket_->queue().empty()) return;
  std::array<Bytes, kMaxPieces> pieces;
  const std::size_t count = websocket_->queue().pending(pieces);
  gathered_.clear();
  for (const Bytes piece : std::span{pieces}.first(count)) {
    const Bytes taken = piece.first(std::min(piece.size(), kSealAtOnce - gathered_.size()));
    gathered_.insert(gathered_.end(), taken.begin(), taken.end());
    if (gathered_.size() == kSealAtOnce) break;
  }
  tls_->send(gathered_, out_);
  websocket_->queue().consume(gathered_.size());
}

void ClientStream::consume(std::size_t size) {
  if (out_position_ == out_.size()) {
    if (size > 0) websocket_->queue().consume(size);
    return;
  }
  assert(size <= out_.size() - out_position_);
  out_position_ += size;
  if (out_position_ < out_.size()) return;
  out_.clear();
  out_position_ = 0;
}

void ClientStream::on_deadline(Instant now) {
  if (!websocket_) return;
  websocket_->on_deadline(now);
  follow_websocket();
}

}  // namespace wgr::ws
