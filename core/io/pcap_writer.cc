#include "core/io/pcap_writer.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace wgr::io {
namespace {

constexpr std::uint32_t kMagicMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kLinkTypeRaw = 101;
constexpr std::uint32_t kSnapLength = 65535;

struct FileHeader {
  std::uint32_t magic = kMagicMicroseconds;
  std::uint16_t major = 2;
  std::uint16_t minor = 4;
  std::int32_t zone = 0;
  std::uint32_t accuracy = 0;
  std::uint32_t snap_length = kSnapLength;
  std::uint32_t link_type = kLinkTypeRaw;
};
static_assert(sizeof(FileHeader) == 24);

struct RecordHeader {
  std::uint32_t seconds;
  std::uint32_t microseconds;
  std::uint32_t captured;
  std::uint32_t original;
};
static_assert(sizeof(RecordHeader) == 16);

int open_new(const std::string& path) {
  // Never through a link that somebody else planted, never over another mode.
  unlink(path.c_str());
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0)
    throw std::system_error(errno, std::generic_category(), "cannot write the capture " + path);
  return descriptor;
}

}  // namespace

PcapWriter::PcapWriter(const std::string& path, std::uint64_t max_bytes)
    : descriptor_(open_new(path)), max_bytes_(max_bytes) {
  const FileHeader header;
  if (::write(descriptor_, &header, sizeof header) != static_cast<ssize_t>(sizeof header)) {
    const int error = errno;
    close(descriptor_);
    throw std::system_error(error, std::generic_category(), "cannot write the capture " + path);
  }
  written_ = sizeof header;
}

PcapWriter::~PcapWriter() { close(descriptor_); }

void PcapWriter::write(Bytes packet, WallTime at) {
  const std::size_t captured = std::min<std::size_t>(packet.size(), kSnapLength);
  if (written_.fetch_add(sizeof(RecordHeader) + captured, std::memory_order_relaxed) > max_bytes_) return;
  const auto since = at.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since - seconds);
  RecordHeader header{static_cast<std::uint32_t>(seconds.count()), static_cast<std::uint32_t>(micros.count()),
                      static_cast<std::uint32_t>(captured), static_cast<std::uint32_t>(packet.size())};
  // O_APPEND makes one writev one record whichever worker writes. Half a record ends the capture: behind it
  // no reader would find the next.
  const iovec parts[] = {{&header, sizeof header}, {const_cast<std::uint8_t*>(packet.data()), captured}};
  const auto whole = static_cast<ssize_t>(sizeof header + captured);
  if (writev(descriptor_, parts, 2) != whole) written_.store(max_bytes_ + 1, std::memory_order_relaxed);
}

}  // namespace wgr::io
