#include "ws/server.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <unordered_map>
#include <utility>

#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"

#include "core/deadline_queue.h"
#include "core/egress/watcher.h"
#include "core/log.h"
#include "core/rng.h"
#include "ws/acceptor.h"
#include "ws/connection.h"
#include "ws/forwarded.h"
#include "ws/session.h"
#include "ws/source_limits.h"
#include "ws/tls.h"

namespace wgr::ws {
namespace {

constexpr std::size_t kWriteBytes = 60 * 1024;  // of a session, queued: enough to be written in mid-turn
constexpr unsigned kRequestBits = 20;           // of a RequestId: which of its connection

using Serial = std::uint64_t;  // of a connection; 0 is the acceptor's deadline

// Watcher tokens: sessions by serial, listening sockets by index.
constexpr egress::SocketToken kListenerToken = egress::SocketToken{1} << 63;

}  // namespace

struct Server::Parts {
  Parts(boost::asio::io_context& context, WorkerIndex worker_index, std::shared_ptr<const Config> config,
        std::shared_ptr<const TlsContexts> contexts, SourceLimits& source_limits, SessionSink& session_sink,
        HttpHandler& http_handler);

  void ready(egress::SocketToken token, egress::Ready ready);
  void accept_from(std::size_t listening, Instant now);
  void open(Accepted accepted, std::size_t listener, Instant now);
  void read(Session& session, Instant now);
  void deliver(Session& session, Instant now);
  void tell_refused(const Session& session, Instant now);
  void on_deadline(Instant now);
  bool is_worth_writing(const Session& session) const;
  void touch(Session& session);
  void settle(Serial serial, Session& session, Instant now);
  void arm_timer();
  Session* find(SessionId id) const;

  const WorkerIndex worker;
  std::shared_ptr<const Profile> profile;
  std::shared_ptr<const TlsContexts> tls;
  SessionSink& sink;
  HttpHandler& handler;
  Counters counters;
  Rng rng = Rng::from_kernel();
  ChunkPool pool;
  SourceLimits& limits;
  SessionBuffers buffers;
  egress::Watcher watcher;
  Acceptor acceptor;
  Instant acceptor_queued = kNever;

  std::unordered_map<Serial, std::unique_ptr<Session>> sessions;
  Serial next_serial = 1;
  std::size_t active = 0;  // of them, WebSockets
  std::vector<Serial> dirty;
  const Session* being_read = nullptr;     // its messages are with the sink
  std::function<void()> flush_when_dirty;  // none: the turns of the worker do it
  DeadlineQueue<Serial> deadlines;
  boost::asio::steady_timer timer;
  Instant armed = kNever;
  log::RateLimit refused_log;
  std::shared_ptr<const bool> alive = std::make_shared<const bool>(true);
};

Server::Parts::Parts(boost::asio::io_context& context, WorkerIndex worker_index,
                     std::shared_ptr<const Config> config, std::shared_ptr<const TlsContexts> contexts,
                     SourceLimits& source_limits, SessionSink& session_sink, HttpHandler& http_handler)
    : worker(worker_index),
      profile(std::make_shared<const Profile>(std::move(config))),
      tls(std::move(contexts)),
      sink(session_sink),
      handler(http_handler),
      limits(source_limits),
      watcher(context, [this](egress::SocketToken token, egress::Ready news) { ready(token, news); }),
      acceptor(*profile->config, worker, counters),
      timer(context) {}

void Server::Parts::ready(egress::SocketToken token, egress::Ready news) {
  const Instant now = Clock::now();
  if ((token & kListenerToken) != 0) return accept_from(token & ~kListenerToken, now);
  const auto found = sessions.find(token);
  if (found == sessions.end()) return;
  Session& session = *found->second;
  if (news.writable) session.write(now);
  if (news.readable && !session.connection().is_ended()) read(session, now);
  touch(session);
}

void Server::Parts::accept_from(std::size_t listening, Instant now) {
  for (std::size_t i = 0; i < Acceptor::kMostPerTurn; ++i) {
    std::optional<Accepted> accepted = acceptor.accept(listening, profile->config->descriptor_limit, now);
    if (!accepted) {
      deadlines.arm(Serial{0}, acceptor.next_deadline(), acceptor_queued);
      return arm_timer();
    }
    open(std::move(*accepted), acceptor.listener_of(listening), now);
  }
  acceptor.wait(listening);
}

void Server::Parts::open(Accepted accepted, std::size_t listener, Instant now) {
  counters.connections_accepted.add();
  const bool is_proxy = is_trusted_proxy(accepted.peer.ip, profile->config->trusted_proxies);
  const IpAddress& source = accepted.peer.ip;
  const auto verdict =
      is_proxy ? limits.proxy_connection_accepted(source, now) : limits.connection_accepted(source, now);
  if (verdict != SourceLimits::Verdict::kAccepted) return count_refusal(verdict, counters);
  const std::shared_ptr<const TlsContext>& context = tls->at(listener);
  const Serial serial = next_serial++;
  const Connection::Identity identity{
      .id = SessionId{worker, serial},
      .arrival = {.peer = accepted.peer, .local = accepted.local, .is_tls = context != nullptr},
      .listener = listener,
      .is_from_proxy = is_proxy};
  auto session = std::make_unique<Session>(std::move(accepted.socket),
                                           context ? TlsChannel::accept(context) : nullptr, buffers, identity,
                                           profile, Connection::Shared{pool, rng, limits, counters}, now);
  if (!session->watch(watcher, serial)) {
    counters.accept_errors.add();
    return;
  }
  counters.connections.add();
  Session& opened = *sessions.emplace(serial, std::move(session)).first->second;
  deadlines.arm(serial, opened.connection().next_deadline(), opened.queued_deadline);
  arm_timer();
}

void Server::Parts::read(Session& session, Instant now) {
  session.read(now);
  being_read = &session;
  deliver(session, now);
  being_read = nullptr;
  session.end_read(now);
}

void Server::Parts::deliver(Session& session, Instant now) {
  Connection::Out& out = buffers.out;
  const Connection& connection = session.connection();
  const SessionInfo& info = connection.info();
  if (!out.refused.empty()) tell_refused(session, now);
  if (out.is_opened) {
    session.is_told = true;
    ++active;
    log::debug("session opened",
               {{"source", info.source.to_string()}, {"network", info.network}, {"token", info.token}});
    sink.session_opened(info, now);
  }
  if (out.is_heard) sink.session_heard(info.id, now);
  if (!out.payloads.empty()) {
    if (info.service == Service::kWireGuard) {
      sink.datagrams_received(info, out.payloads, now);
    } else {
      sink.frames_received(info, out.payloads, now);
    }
  }
  if (out.request) {
    const RequestId id =
        info.id.value() >> 8 << kRequestBits | (connection.request_number() & ((1u << kRequestBits) - 1));
    handler.request_received(id, info.service, info.source, *out.request, now);
  }
}

// What a page shows its visitor is a number at best; the operator reads here what to allow.
void Server::Parts::tell_refused(const Session& session, Instant now) {
  std::uint64_t suppressed = 0;
  if (!refused_log.allow(now, suppressed)) return;
  const Connection& connection = session.connection();
  log::warn("a client was refused",
            {{"reason", buffers.out.refused},
             {"source", connection.info().source.to_string()},
             {"listener", profile->config->listeners[connection.identity().listener].origin},
             {"suppressed", suppressed}});
}

void Server::Parts::on_deadline(Instant now) {
  while (const auto serial = deadlines.take_due(now)) {
    if (*serial == 0) {
      acceptor_queued = kNever;
      acceptor.on_deadline(now);
      continue;
    }
    const auto found = sessions.find(*serial);
    if (found == sessions.end()) continue;
    Session& session = *found->second;
    session.queued_deadline = kNever;
    session.connection().on_deadline(now);
    touch(session);
  }
}

// Not while the sink looks at messages of the session: a write that fails takes their memory away.
bool Server::Parts::is_worth_writing(const Session& session) const {
  const std::size_t enough = std::min(kWriteBytes, profile->config->limits.queue_bytes / 2);
  return session.queued_bytes() >= enough && session.wants_write() && &session != being_read;
}

// To be looked at by flush().
void Server::Parts::touch(Session& session) {
  if (std::exchange(session.is_dirty, true)) return;
  if (dirty.empty() && flush_when_dirty) flush_when_dirty();
  dirty.push_back(session.connection().info().id.value() >> 8);
}

// Writes what is due, tells of the end, lets go of what has ended.
void Server::Parts::settle(Serial serial, Session& session, Instant now) {
  session.is_dirty = false;
  Connection& connection = session.connection();
  if (!connection.is_ended() && session.wants_write()) session.write(now);
  if (session.is_told && !connection.is_session()) {
    session.is_told = false;
    log::debug("session closed", {{"source", connection.info().source.to_string()}});
    sink.session_closed(connection.info().id, now);
  }
  if (!connection.is_ended()) {
    deadlines.arm(serial, connection.next_deadline(), session.queued_deadline);
    return;
  }
  if (connection.was_session()) --active;
  session.abandon();
  sessions.erase(serial);
  counters.connections.subtract();
}

void Server::Parts::arm_timer() {
  const Instant next = deadlines.next();
  if (next >= armed) return;
  armed = next;
  timer.expires_at(to_steady(next));
  timer.async_wait([this, watched = std::weak_ptr{alive}](const boost::system::error_code& error) {
    if (error || watched.expired()) return;
    armed = kNever;
    on_deadline(Clock::now());
    arm_timer();
  });
}

Session* Server::Parts::find(SessionId id) const {
  if (id.worker() != worker) return nullptr;
  const auto found = sessions.find(id.value() >> 8);
  return found == sessions.end() ? nullptr : found->second.get();
}

Server::Server(boost::asio::io_context& context, WorkerIndex worker, std::shared_ptr<const Config> config,
               std::shared_ptr<const TlsContexts> tls, SourceLimits& limits, SessionSink& sink,
               HttpHandler& handler)
    : parts_(std::make_unique<Parts>(context, worker, std::move(config), std::move(tls), limits, sink,
                                     handler)) {}

Server::~Server() = default;

std::vector<SocketAddress> Server::addresses() const { return parts_->acceptor.addresses(); }

std::vector<SocketAddress> Server::unbound() const { return parts_->acceptor.unbound(); }

void Server::start() { parts_->acceptor.start(parts_->watcher, kListenerToken); }

// A turn may bring more than the queue holds: it may drop only what the socket has no room for.
bool Server::send(SessionId id, Bytes message, Instant now) {
  Session* const session = parts_->find(id);
  if (session == nullptr || !session->connection().is_session()) return false;
  session->connection().send(message);
  if (parts_->is_worth_writing(*session)) session->write(now);
  parts_->touch(*session);
  return true;
}

// What the sink does when it is told of an end may bring more to write.
void Server::flush(Instant now) {
  for (std::size_t i = 0; i < parts_->dirty.size(); ++i) {
    const Serial serial = parts_->dirty[i];
    const auto found = parts_->sessions.find(serial);
    if (found != parts_->sessions.end()) parts_->settle(serial, *found->second, now);
  }
  parts_->dirty.clear();
  parts_->arm_timer();
}

void Server::flush_by_itself() {
  parts_->flush_when_dirty = [this, watched = std::weak_ptr{parts_->alive}] {
    boost::asio::post(parts_->timer.get_executor(), [this, watched] {
      if (!watched.expired()) flush(Clock::now());
    });
  };
}

std::size_t Server::queued_bytes(SessionId id) const {
  const Session* const session = parts_->find(id);
  return session == nullptr ? 0 : session->queued_bytes();
}

void Server::close(SessionId id, std::uint16_t code, std::string_view reason, Instant now) {
  Session* const session = parts_->find(id);
  if (session == nullptr || !session->connection().was_session()) return;
  session->connection().close(code, reason, now);
  parts_->touch(*session);
}

void Server::respond(RequestId request, const HttpResponse& response, Instant now) {
  const auto found = parts_->sessions.find(request >> kRequestBits);
  if (found == parts_->sessions.end()) return;
  Session& session = *found->second;
  const std::uint32_t latest = session.connection().request_number();
  if (((latest ^ request) & ((1u << kRequestBits) - 1)) != 0) return;
  session.connection().respond(latest, response, now);
  parts_->touch(session);
}

void Server::reload(std::shared_ptr<const Config> config, std::shared_ptr<const TlsContexts> tls) {
  assert(config->listeners.size() == parts_->profile->config->listeners.size());
  parts_->profile = std::make_shared<const Profile>(std::move(config));
  parts_->tls = std::move(tls);
}

void Server::drain(Instant now) {
  parts_->acceptor.stop();
  for (auto& [serial, session] : parts_->sessions) {
    session->connection().drain(now);
    parts_->touch(*session);
  }
}

std::size_t Server::active_sessions() const noexcept { return parts_->active; }

const Counters& Server::counters() const noexcept { return parts_->counters; }

}  // namespace wgr::ws
