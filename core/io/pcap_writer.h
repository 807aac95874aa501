// Inner packets into a pcap file (raw IP), for diagnosis. The file is 0600, made anew at start, and
// stops growing at a cap.
//
// Thread: write() from any worker: one append per packet; it is a debugging aid and costs what it costs.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/bytes.h"
#include "core/time.h"

namespace wgr::io {

class PcapWriter {
 public:
  // Throws std::system_error when the file cannot be made.
  PcapWriter(const std::string& path, std::uint64_t max_bytes);
  ~PcapWriter();
  PcapWriter(const PcapWriter&) = delete;
  PcapWriter& operator=(const PcapWriter&) = delete;

  void write(Bytes packet, WallTime at);

 private:
  const int descriptor_;
  const std::uint64_t max_bytes_;
  std::atomic<std::uint64_t> written_{0};
};

}  // namespace wgr::io
