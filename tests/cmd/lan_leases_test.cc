// When leases reach the disk.
#include <cstdlib>
#include <filesystem>

#include "gtest/gtest.h"

#include "cmd/lan_book.h"

namespace wgr {
namespace {

class LanLeasesTest : public testing::Test {
 protected:
  LanLeasesTest() {
    std::string name = testing::TempDir() + "wgr_lan_leases_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    LanEntry entry;
    entry.network.subnet = *Prefix::parse("192.168.86.0/24");
    entry.network.gateway = IpAddress::v4(192, 168, 86, 1);
    config_.networks = {entry};
  }
  ~LanLeasesTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/state/leases"; }
  static LanBook::News news() {
    return {.network = 0,
            .leases = {{.address = IpAddress::v4(192, 168, 86, 20),
                        .mac = *MacAddress::parse("02:00:00:00:00:01"),
                        .client_id = {},
                        .host_name = {},
                        .expires = WallTime::max()}},
            .stations = {}};
  }

  std::string folder_;
  LanConfig config_;
};

TEST_F(LanLeasesTest, LeasesThatCouldNotBeSavedAreSavedLater) {
  LanBook book{config_, path()};
  book.told(news());
  book.save();
  EXPECT_FALSE(std::filesystem::exists(path())) << "its folder is not there";

  std::filesystem::create_directory(folder_ + "/state");
  book.save();
  EXPECT_EQ((LanBook{config_, path()}).settings()[0].leases, news().leases);
}

TEST_F(LanLeasesTest, FileIsNotWrittenAgainWithoutAChange) {
  std::filesystem::create_directory(folder_ + "/state");
  LanBook book{config_, path()};
  book.told(news());
  book.save();
  std::filesystem::remove(path());
  book.told(news());
  book.save();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

}  // namespace
}  // namespace wgr
