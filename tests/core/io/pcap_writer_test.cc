#include "core/io/pcap_writer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wgr::io {
namespace {

constexpr std::size_t kFileHeader = 24;
constexpr std::size_t kRecordHeader = 16;

// A file of its own, and a bound for the size of files that stands for the end of the disk.
class PcapWriterTest : public testing::Test {
 protected:
  PcapWriterTest() {
    getrlimit(RLIMIT_FSIZE, &former_);
    former_action_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~PcapWriterTest() override {
    set_room(former_.rlim_cur);
    std::signal(SIGXFSZ, former_action_);
    std::filesystem::remove(path_);
  }

  void set_room(rlim_t bytes) {
    const rlimit limit{bytes, former_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  std::uintmax_t size() const { return std::filesystem::file_size(path_); }
  void write(std::size_t packet) {
    writer_.write(std::vector<std::uint8_t>(packet, 0x45), WallTime{std::chrono::seconds{5}});
  }

  const std::string path_ = testing::TempDir() + "pcap_writer_test." + std::to_string(getpid());
  PcapWriter writer_{path_, /*max_bytes=*/1000};
  rlimit former_{};
  void (*former_action_)(int) = nullptr;
};

TEST_F(PcapWriterTest, RecordIsTimeLengthAndPacket) {
  write(20);
  std::ifstream file{path_, std::ios::binary};
  const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};

  ASSERT_EQ(bytes.size(), kFileHeader + kRecordHeader + 20);
  EXPECT_EQ(bytes[kFileHeader], 5);
  EXPECT_EQ(bytes[kFileHeader + 8], 20);
  EXPECT_EQ(bytes[kFileHeader + 12], 20);
  EXPECT_EQ(bytes.back(), 0x45);
}

TEST_F(PcapWriterTest, StopsAtItsCap) {
  for (int i = 0; i < 20; ++i) write(100);

  EXPECT_GE(size(), 1000u);
  EXPECT_LE(size(), 1000u + kRecordHeader + 100);
}

// No reader would find a record behind half a one.
TEST_F(PcapWriterTest, HalfARecordIsTheLast) {
  set_room(kFileHeader + kRecordHeader + 10);
  write(100);
  ASSERT_EQ(size(), kFileHeader + kRecordHeader + 10);

  set_room(former_.rlim_cur);
  write(100);
  EXPECT_EQ(size(), kFileHeader + kRecordHeader + 10);
}

}  // namespace
}  // namespace wgr::io
