// A connection with segments in flight to the scripted guest.
#pragma once

#include <vector>

#include "tests/slirp/tcp/scripted_guest.h"

namespace wgr::slirp::tcp {

class TcpSendTest : public ScriptedGuest {
 protected:
  // Established, with `count` full segments of 1000 bytes in flight.
  void in_flight(std::size_t count) {
    config_.tcp.initial_window_segments = count;
    established();
    ASSERT_EQ(give(letters(count * 1000)), count * 1000);
    ASSERT_EQ(said().size(), count);
  }
  static std::uint32_t at(std::uint32_t index) { return kOurData + index * 1000; }
  static std::vector<std::uint32_t> numbers(const std::vector<Said>& segments) {
    std::vector<std::uint32_t> result;
    for (const Said& what : segments) {
      if (!what.data.empty()) result.push_back((what.seq - kOurData) / 1000);
    }
    return result;
  }
};

}  // namespace wgr::slirp::tcp
