// A segment with stations, at simulated time.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "slirp/lan/segment.h"
#include "tests/slirp/lan/lan_frames.h"

namespace wgr::slirp::lan::test {

using namespace std::chrono_literals;

class LanTest : public testing::Test {
 protected:
  LanTest() {
    config_.subnet = *Prefix::parse("192.168.86.0/24");
    config_.gateway = kGateway;
    config_.gateway_mac = kGatewayMac;
    config_.ipv6.prefix = Prefix::parse("fd00::/64");
  }

  // Made at first use: tests change the settings before.
  Segment& segment() {
    if (!segment_) {
      segment_ =
          std::make_unique<Segment>(config_, serials_, rng_, saved_, WallTime{std::chrono::hours{1}}, now_);
    }
    return *segment_;
  }
  std::uint64_t drops(DropReason reason) { return segment().counters().drops.value(reason); }

  SessionId attach(const SessionOwner& owner = {kHome, {}}) {
    const SessionId session{0, ++sessions_};
    clear();
    segment().attach(session, owner, now_, out_);
    return session;
  }
  void detach(SessionId session) { segment().detach(session, now_, out_); }

  // What came out of one call is here until the next.
  void send(SessionId session, Frame frame) {
    clear();
    frame_ = std::move(frame);
    segment().receive(session, frame_, now_, out_);
  }
  void send_down(GuestId guest, const Packet& packet) {
    clear();
    segment().send(guest, packet, now_, out_);
  }
  // Does what is due until then.
  void advance(Duration by) {
    clear();
    const Instant until = now_ + by;
    while (segment().next_deadline() <= until) {
      now_ = std::max(now_, segment().next_deadline());
      segment().on_deadline(now_, out_);
    }
    now_ = until;
  }
  void clear() {
    out_.packets.clear();
    out_.frames.clear();
    out_.closings.clear();
    out_.gone.clear();
  }

  std::vector<Frame> frames_to(SessionId session) const {
    std::vector<Frame> frames;
    for (const FrameView& frame : out_.frames.frames()) {
      if (frame.to == session) frames.emplace_back(frame.bytes.begin(), frame.bytes.end());
    }
    return frames;
  }
  std::size_t frame_count() const { return out_.frames.frames().size(); }
  // Who sent the one packet that came out; nobody if there is none.
  GuestId sender() const { return out_.packets.size() == 1 ? out_.packets[0].guest : GuestId{}; }

  // A session whose station has this address already, with a NIC that pads or not.
  SessionId station(const MacAddress& mac, const IpAddress& address, Nic nic = Nic::kVirtio) {
    const SessionId session = attach();
    send(session, arp_request(mac, address, kGateway, nic));
    EXPECT_EQ(frames_to(session).size(), 1u);
    return session;
  }
  GuestId guest_at(const IpAddress& address) { return segment().station_at(address); }

  // The whole exchange; the address that was given.
  IpAddress lease(SessionId session, const MacAddress& mac, std::string_view host_name = "") {
    send(session, dhcp(mac, {}));
    const IpAddress offered = address_in_reply(session);
    send(session, dhcp(mac, {.type = wire::DhcpType::kRequest,
                             .requested = offered,
                             .host_name = host_name,
                             .to_server = true}));
    return address_in_reply(session);
  }
  IpAddress address_in_reply(SessionId session) {
    const std::vector<Frame> frames = frames_to(session);
    if (frames.size() != 1) return {};
    Packet packet(frames[0].begin() + wire::kEthernetHeaderSize, frames[0].end());
    const auto ip = wire::Ipv4View::parse(packet);
    if (!ip || !ip->checksum_is_valid()) return {};
    const auto udp = wire::UdpView::parse(ip->payload());
    if (!udp || !udp->checksum_is_valid(ip->source(), ip->destination())) return {};
    const auto message = wire::DhcpView::parse(udp->payload());
    return message ? message->yiaddr() : IpAddress{};
  }

  NetworkConfig config_;
  std::vector<Lease> saved_;
  GuestSerials serials_{/*home=*/3};
  Rng rng_{/*seed=*/1};
  Instant now_{24h};
  Segment::Out out_;

 private:
  std::uint64_t sessions_ = 0;
  std::unique_ptr<Segment> segment_;
  Frame frame_;
};

}  // namespace wgr::slirp::lan::test
