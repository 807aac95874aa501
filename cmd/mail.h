// What one shard sends another during one turn: everything it needs is inside.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cmd/routes.h"
#include "core/endpoint.h"
#include "core/guest_id.h"
#include "core/session_id.h"
#include "slirp/lan/session_owner.h"
#include "wireguard/handshake.h"

namespace wgr {

struct Mail {
  struct Piece {  // of `bytes`
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  struct Datagram {  // arrived on the wrong worker
    Endpoint from;
    Piece piece;
  };
  struct Packet {  // for a peer of the other worker
    GuestId from;
    GuestId to;
    Piece piece;
  };
  struct LanPacket {  // for whoever has its destination on a virtual LAN of the other worker
    GuestId from;
    NetworkIndex to = kNoNetwork;
    Piece piece;
  };
  // What happened to an Ethernet session whose network has its home on the other worker.
  struct SessionEvent {
    enum class Kind : std::uint8_t { kOpened, kHeard, kClosed };

    Kind kind = Kind::kOpened;
    SessionId session;
    NetworkIndex network = kNoNetwork;
    slirp::lan::SessionOwner owner;  // kOpened
  };
  struct Frame {  // of such a session
    SessionId session;
    NetworkIndex network = kNoNetwork;
    Piece piece;
  };
  struct SessionMessage {  // for a session that the other worker accepted
    SessionId to;
    Piece piece;
  };
  struct Closing {  // of such a session
    SessionId session;
    std::uint16_t code = 0;
    std::string_view reason;  // a literal
  };

  std::vector<std::uint8_t> bytes;
  std::vector<Datagram> datagrams;
  std::vector<Packet> packets;
  std::vector<LanPacket> lan_packets;
  std::vector<SessionEvent> events;  // those of one session in order; its frames come between
  std::vector<Frame> frames;
  std::vector<SessionMessage> messages;
  std::vector<Closing> closings;
  std::vector<wireguard::OpenedInitiation> initiations;

  std::size_t weight() const {
    return datagrams.size() + packets.size() + lan_packets.size() + events.size() + frames.size() +
           messages.size() + closings.size() + initiations.size();
  }
  // That much of the weight tells how sessions come and go.
  std::size_t weight_of_events() const { return events.size() + closings.size(); }
  bool is_empty() const { return weight() == 0; }
  MutableBytes at(Piece piece) { return MutableBytes{bytes}.subspan(piece.begin, piece.size); }
  Piece append(Bytes from) {
    const Piece piece{bytes.size(), from.size()};
    bytes.insert(bytes.end(), from.begin(), from.end());
    return piece;
  }
};

struct SlicedMail {
  std::vector<Mail> slices;  // to be posted in this order
  std::size_t dropped = 0;
};

// Cuts mail into slices of a weight, so that a mailbox takes what it has room for. Its senders (sessions,
// guests, and whoever sends by UDP as one) take turns, and of one of them no more than `limit` of a kind go:
// whoever sends the most in a turn must not fill the mailbox for all. REQUIRES: weight > 0, limit > 0.
SlicedMail slice(Mail mail, std::size_t weight, std::size_t limit);

}  // namespace wgr
