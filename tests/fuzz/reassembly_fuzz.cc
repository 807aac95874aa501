// A list of fragments, against a model that knows only bytes and which of them came.
//
// Input: one byte of family, then steps of 7 bytes:
//   | datagram 0..3 and flags | offset (2) in units of 8 | size (2) | first byte | pause in 4 s |
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/wire/ip.h"
#include "slirp/reassembly.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using Packet = std::vector<std::uint8_t>;

constexpr auto kProtocol = static_cast<wire::IpProtocol>(253);  // RFC 3692: no upper header to look for
constexpr std::size_t kStepSize = 7;
constexpr std::size_t kMaxSteps = 80;

void require(bool claim) {
  if (!claim) std::abort();
}

struct Step {
  std::size_t datagram;
  bool more;
  std::size_t offset;
  std::size_t size;
  std::uint8_t first;
  Duration pause;

  static Step read(const std::uint8_t* at) {
    return {.datagram = at[0] & 3u,
            .more = (at[0] & 4) != 0,
            .offset = std::size_t{load_be<std::uint16_t>(at + 1) & 0x1fffu} * 8,
            .size = load_be<std::uint16_t>(at + 3) & 0x7ffu,
            .first = static_cast<std::uint8_t>(at[5] & 1),
            .pause = at[6] > 250 ? 4s * (at[6] - 250) : 0s};
  }
  Packet data() const {
    Packet bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>((offset + i) * 31 + first);
    return bytes;
  }
};

// What RFC 791, 5722 and 8200 say, without thought of memory.
struct Model {
  std::vector<bool> here;
  Packet bytes;
  std::size_t end = 0;  // 0: not known
  Instant deadline = kNever;
  bool is_dead = false;

  std::size_t last() const {
    const auto at = std::find(here.rbegin(), here.rend(), true);
    return static_cast<std::size_t>(here.rend() - at);
  }
  std::size_t runs() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < here.size(); ++i) count += here[i] && (i == 0 || !here[i - 1]);
    return count;
  }
  // True when the datagram is whole.
  bool add(const Step& step, const Packet& data) {
    const std::size_t stop = step.offset + step.size;
    if (is_dead) return false;
    const bool fits = end != 0 ? (step.more ? stop < end : stop == end) : step.more || last() <= stop;
    if (!fits) return is_dead = true, false;
    if (here.size() < stop) here.resize(stop), bytes.resize(stop);
    const auto begin = here.begin() + static_cast<std::ptrdiff_t>(step.offset);
    const auto until = here.begin() + static_cast<std::ptrdiff_t>(stop);
    if (std::find(begin, until, true) != until) {
      const bool is_repeated = std::find(begin, until, false) == until &&
                               std::equal(data.begin(), data.end(), bytes.begin() + (begin - here.begin()));
      if (!is_repeated) is_dead = true;
      return false;
    }
    std::fill(begin, until, true);
    std::copy(data.begin(), data.end(), bytes.begin() + (begin - here.begin()));
    if (runs() > kReassemblyMaxHoles) return is_dead = true, false;
    if (!step.more) end = stop;
    return end != 0 && last() == end && runs() == 1 && here[0];
  }
};

Packet make_fragment(Family family, const Step& step, const Packet& data) {
  const std::size_t header_size =
      family == Family::kV4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize + wire::kIpv6FragmentHeaderSize;
  Packet packet(header_size + data.size());
  std::copy(data.begin(), data.end(), packet.begin() + static_cast<std::ptrdiff_t>(header_size));
  if (family == Family::kV4) {
    wire::Ipv4Header header;
    header.source = IpAddress::v4(10, 0, 0, 2);
    header.destination = IpAddress::v4(192, 0, 2, 1);
    header.protocol = kProtocol;
    header.identification = static_cast<std::uint16_t>(step.datagram);
    header.dont_fragment = false;
    header.more_fragments = step.more;
    header.fragment_offset = step.offset;
    wire::write_ipv4(packet, header);
    return packet;
  }
  wire::Ipv6Header header;
  header.source = *IpAddress::parse("fd00::2");
  header.destination = *IpAddress::parse("2001:db8::1");
  header.next_header = wire::IpProtocol::kFragment;
  wire::write_ipv6(packet, header);
  wire::Ipv6Fragment fragment;
  fragment.next_header = kProtocol;
  fragment.offset = step.offset;
  fragment.more_fragments = step.more;
  fragment.identification = static_cast<std::uint32_t>(step.datagram);
  wire::write_ipv6_fragment(packet.data() + wire::kIpv6HeaderSize, fragment);
  return packet;
}

bool is_well_formed(Family family, const Step& step) {
  const std::size_t counted = family == Family::kV4 ? wire::kIpv4HeaderSize : 0;
  return step.size > 0 && (!step.more || step.size % 8 == 0) && counted + step.offset + step.size <= 65535;
}

Instant deadline_of(Family family, Instant now) {
  const Duration since =
      (now + (family == Family::kV4 ? kReassemblyTimeV4 : kReassemblyTimeV6)).time_since_epoch();
  return Instant{(since + kReassemblyTick - 1ns) / kReassemblyTick * kReassemblyTick};
}

void fuzz_reassembly(Bytes input) {
  const Family family = input[0] % 2 == 0 ? Family::kV4 : Family::kV6;
  Config config;
  DropCounters drops;
  IcmpErrors errors{config};
  Reassembly reassembly{config.limits, errors, drops};
  PacketBatch out;
  std::array<Model, 4> models;
  Instant now{1h};

  std::size_t at = 1;
  for (std::size_t count = 0; count < kMaxSteps && at + kStepSize <= input.size(); ++count, at += kStepSize) {
    const Step step = Step::read(input.data() + at);
    now += step.pause;
    out.clear();
    reassembly.on_deadline(now, out);
    for (Model& model : models) {
      if (model.deadline <= now) model = {};
    }
    if (step.offset == 0 && !step.more) continue;  // no fragment

    const Packet data = step.data();
    Packet packet = make_fragment(family, step, data);
    const auto ip = wire::IpView::parse(packet);
    require(ip && ip->is_fragment);
    const auto whole = reassembly.receive(GuestId{0, 1}, *ip, now, out);
    Model& model = models[step.datagram];
    bool is_whole = false;
    if (is_well_formed(family, step)) {
      if (model.deadline == kNever) model.deadline = deadline_of(family, now);
      is_whole = model.add(step, data);
    }
    require(whole.has_value() == is_whole);
    if (whole) {
      require(!whole->is_fragment && whole->protocol == kProtocol);
      require(
          std::equal(whole->payload.begin(), whole->payload.end(), model.bytes.begin(), model.bytes.end()));
      require(family == Family::kV6 || wire::Ipv4View::parse(whole->packet)->checksum_is_valid());
      model = {};
    }
    reassembly.end_turn();
    require(reassembly.bytes_held() <= config.limits.reassembly_bytes_per_guest);
  }
  reassembly.remove_guest(GuestId{0, 1});
  require(reassembly.bytes_held() == 0 && reassembly.datagrams_held() == 0);
}

}  // namespace
}  // namespace wgr::slirp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) wgr::slirp::fuzz_reassembly({data, size});
  return 0;
}
