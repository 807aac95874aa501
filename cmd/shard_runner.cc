#include "cmd/shard_runner.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "cmd/wall_clock.h"

namespace wgr {
namespace {

// One piece of mail, and what one session sends in a turn, is an eighth of a mailbox at most.
constexpr std::size_t kShareOfMailbox = 8;
constexpr Duration kMaxSlack = std::chrono::milliseconds{1};
constexpr std::size_t kMaxUnboundForwards = 16;  // told by name

}  // namespace

ShardRunner::ShardRunner(WorkerIndex index, const Shard::Settings& settings, std::size_t mailbox_capacity,
                         std::vector<std::unique_ptr<io::UdpSocket>> sockets)
    : worker_(index),
      rng_(Rng::from_kernel()),
      sockets_(worker_.context(),
               [this](auto token, auto ready) { shard_.socket_ready(token, ready, Clock::now()); }),
      shard_(index, settings, sockets_, rng_, wall_now(), Clock::now()),
      dial_port_(worker_.context(), index, shard_),
      mailbox_(worker_, mailbox_capacity, [this](std::vector<Mail>& mail) { take_mail(mail); }),
      timer_(worker_.context()) {
  for (auto& socket : sockets) {
    const auto place = static_cast<std::uint16_t>(ports_.size());
    ports_.push_back(std::make_unique<wireguard::UdpPort>(
        worker_.context(), std::move(socket), [this, place](auto batch) { receive(place, batch); }));
  }
}

ShardRunner::~ShardRunner() { stop(); }

void ShardRunner::listen(const SessionPort::Settings& settings, ws::SourceLimits& limits) {
  session_port_ = std::make_unique<SessionPort>(worker_.context(), worker_.index(), settings, limits, shard_);
}

void ShardRunner::start(std::vector<Post*> posts) {
  posts_ = std::move(posts);
  for (const auto& port : ports_) port->start();
  if (session_port_) session_port_->start();
  arm_timer();
  worker_.start([this] { end_turn(); });
}

void ShardRunner::stop() {
  worker_.stop();
  worker_.join();
}

metrics::UnboundPorts ShardRunner::unbound_ports() const {
  metrics::UnboundPorts unbound;
  for (const auto& port : ports_) {
    if (!port->is_listening()) unbound.udp.push_back("udp " + port->local_address().to_string());
  }
  if (session_port_) {
    for (const SocketAddress& address : session_port_->server().unbound()) {
      unbound.listeners.push_back("tcp " + address.to_string());
    }
  }
  for (const slirp::UnboundForward& forward : shard_.stack().unbound_forwards(kMaxUnboundForwards)) {
    unbound.forwards.push_back(std::string{slirp::to_string(forward.protocol)} + " " +
                               forward.address.to_string() + " (" +
                               std::generic_category().message(forward.error) + ")");
  }
  return unbound;
}

void ShardRunner::receive(std::uint16_t socket, std::span<const io::UdpSocket::Received> batch) {
  const Instant now = Clock::now();
  for (const auto& received : batch) {
    Endpoint from = received.from;
    from.socket = socket;
    shard_.receive(from, received.bytes, received.segment_size, now);
  }
  shard_.end_batch(now);
}

void ShardRunner::take_mail(std::vector<Mail>& mail) {
  const Instant now = Clock::now();
  for (Mail& item : mail) {
    shard_.take_mail(item, now);
    for (const Mail::SessionMessage& message : item.messages) {
      send_to_session(message.to, item.at(message.piece), now);
    }
    close_sessions(item.closings, now);
  }
}

void ShardRunner::end_turn() {
  const Instant now = Clock::now();
  if (armed_ <= now) {
    armed_ = armed_for_ = kNever;
    shard_.on_deadline(now);
    dial_port_.on_deadline(now);
  }
  for (bool more = true; more;) {
    more = shard_.seal(now);
    send_datagrams(now);
    send_frames(now);
  }
  close_sessions(shard_.outbox().closings, now);
  if (session_port_) session_port_->flush(now);
  dial_port_.flush(now);
  send_mail();
  arm_timer();
}

void ShardRunner::send_datagrams(Instant now) {
  DatagramBatch& datagrams = shard_.outbox().datagrams;
  for (const DatagramBatch::Run& run : datagrams.runs()) {
    if (!shard_.is_here(run.to)) continue;  // in the mail
    if (run.to.kind == Endpoint::Kind::kSession) {
      for (std::size_t begin = 0; begin < run.bytes.size(); begin += run.segment_size) {
        const std::size_t size = std::min(run.segment_size, run.bytes.size() - begin);
        send_to_session(SessionId::from_value(run.to.session), run.bytes.subspan(begin, size), now);
      }
    } else if (wireguard::UdpPort* const port = port_for(run.to)) {
      port->send({&run, 1}, now);
    } else {
      shard_.count_unsent(run.count);
    }
  }
  datagrams.clear();
}

void ShardRunner::send_frames(Instant now) {
  slirp::lan::FrameBatch& frames = shard_.lan().frames();
  for (const slirp::lan::FrameView& frame : frames.frames()) {
    if (frame.to.worker() == shard_.index()) send_to_session(frame.to, frame.bytes, now);
  }
  frames.clear();
}

void ShardRunner::send_to_session(SessionId session, Bytes message, Instant now) {
  if (ws::wireguard::is_dialed(session)) {
    dial_port_.send(session, message, now);
  } else if (session_port_) {
    session_port_->send(session, message, now);
  } else {
    shard_.count_unsent(1);
  }
}

void ShardRunner::close_sessions(std::vector<Mail::Closing>& closings, Instant now) {
  for (const Mail::Closing& closing : closings) {
    if (session_port_) session_port_->close(closing.session, closing.code, closing.reason, now);
  }
  closings.clear();
}

// The port that heard the endpoint; else the first of its family. All workers have theirs in one order.
wireguard::UdpPort* ShardRunner::port_for(const Endpoint& to) const {
  if (to.kind != Endpoint::Kind::kUdp) return nullptr;
  const auto is_of_family = [&to](const auto& port) {
    return port->address().family() == to.remote.ip.family();
  };
  if (to.socket < ports_.size() && is_of_family(ports_[to.socket])) return ports_[to.socket].get();
  const auto first = std::ranges::find_if(ports_, is_of_family);
  return first == ports_.end() ? nullptr : first->get();
}

void ShardRunner::send_mail() {
  std::vector<Mail>& outgoing = shard_.outbox().mail;
  for (std::size_t worker = 0; worker < outgoing.size(); ++worker) {
    if (outgoing[worker].is_empty()) continue;
    Mail mail = std::exchange(outgoing[worker], Mail{});
    const std::size_t share = std::max<std::size_t>(posts_[worker]->capacity() / kShareOfMailbox, 1);
    post_initiations(worker, mail, share);
    if (mail.weight() <= share) {
      post_mail(worker, std::move(mail));
      continue;
    }
    // One sender gets half of what is free, as of memory (slirp/memory_budget.h).
    const std::size_t used = std::min(posts_[worker]->weight(), posts_[worker]->capacity());
    const std::size_t limit = std::max(share, (posts_[worker]->capacity() - used) / 2);
    SlicedMail sliced = slice(std::move(mail), share, limit);
    shard_.count_mail(/*was_taken=*/false, sliced.dropped);
    for (Mail& part : sliced.slices) post_mail(worker, std::move(part));
  }
}

// Whoever has no session yet must not be kept out by those that have one.
void ShardRunner::post_initiations(std::size_t worker, Mail& mail, std::size_t reserve) {
  if (mail.initiations.empty()) return;
  Mail first;
  first.initiations.swap(mail.initiations);
  const std::size_t weight = first.weight();
  shard_.count_mail(posts_[worker]->push(std::move(first), weight, reserve), weight);
}

void ShardRunner::post_mail(std::size_t worker, Mail&& mail) {
  const std::size_t weight = mail.weight();
  if (weight == 0) return;
  const std::size_t events = mail.weight_of_events();
  const bool was_taken = posts_[worker]->push(std::move(mail), weight);
  shard_.count_mail(was_taken, was_taken ? weight : weight - events);
  if (!was_taken) send_events(worker, mail);
}

// Packets may be lost where a mailbox is full; that a session came or went may not. Their number is bounded
// by the sessions.
void ShardRunner::send_events(std::size_t worker, Mail& refused) {
  const std::size_t weight = refused.weight_of_events();
  if (weight == 0) return;
  shard_.count_mail(/*was_taken=*/true, weight);
  Mail mail;
  mail.events = std::move(refused.events);
  mail.closings = std::move(refused.closings);
  posts_[worker]->push(std::move(mail), /*weight=*/0);
}

// Late by an eighth of the time to wait, at most kMaxSlack: timers that fall due about together cost one
// wake-up.
void ShardRunner::arm_timer() {
  const Instant next = std::min(shard_.next_deadline(), dial_port_.next_deadline());
  if (next >= armed_for_) return;  // waking early is harmless, arming costs a system call
  armed_for_ = next;
  const Instant due = next + std::clamp((next - Clock::now()) / 8, Duration{0}, kMaxSlack);
  if (due >= armed_) return;
  armed_ = due;
  timer_.expires_at(to_steady(due));
  timer_.async_wait([](boost::system::error_code) {});  // the end of the turn looks at the clock
}

}  // namespace wgr
