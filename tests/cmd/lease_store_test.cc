#include "cmd/lease_store.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wgr {
namespace {

using slirp::lan::Lease;
using slirp::lan::LeaseFile;
using slirp::lan::NetworkLeases;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::vector<NetworkLeases> leases(std::uint8_t last) {
  const MacAddress mac{{2, 0, 0, 0, 0, last}};
  return {{"default", {Lease{IpAddress::v4(10, 0, 0, last), mac, "id", "host", WallTime::max()}}}};
}

class LeaseStoreTest : public testing::Test {
 protected:
  LeaseStoreTest() {
    std::string name = testing::TempDir() + "wgr_leases_XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~LeaseStoreTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/leases"; }
  void write(const std::string& text) const { std::ofstream{path()} << text; }
  std::string read(const std::string& name = "leases") const {
    std::ostringstream text;
    text << std::ifstream{folder_ + "/" + name}.rdbuf();
    return text.str();
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder_}) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  std::string folder_;
};

TEST_F(LeaseStoreTest, WithoutAFileThereAreNoLeasesAndNoFault) {
  const LeaseFile file = LeaseStore{path()}.load();

  EXPECT_TRUE(file.networks.empty());
  EXPECT_TRUE(file.faults.empty());
}

TEST_F(LeaseStoreTest, WhatIsSavedIsLoadedAndForTheOwnerAlone) {
  EXPECT_EQ(LeaseStore{path()}.save(leases(2)), "");
  EXPECT_EQ(LeaseStore{path()}.save(leases(3)), "");  // in place of the former

  EXPECT_EQ(LeaseStore{path()}.load().networks, leases(3));
  EXPECT_THAT(files(), ElementsAre("leases"));
  struct stat status{};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(LeaseStoreTest, AFileThatWasCutGivesWhatIsWhole) {
  LeaseStore store{path()};
  store.save({{"default", {leases(2)[0].leases[0], leases(3)[0].leases[0]}}});
  const std::string whole = read();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::filesystem::remove(path());
    write(whole.substr(0, size));
    const LeaseFile file = LeaseStore{path()}.load();
    EXPECT_LE(file.leases_of("default").size(), 2u);
    EXPECT_LE(file.faults.size(), 1u) << size;
  }
}

TEST_F(LeaseStoreTest, GarbageIsReportedByFileAndLine) {
  write("\x01\x02 what\n7 02:00:00:00:00:02 10.0.0.2 * *\n");
  const LeaseFile file = LeaseStore{path()}.load();

  EXPECT_THAT(file.faults, ElementsAre(HasSubstr(path() + ": line 1: ")));
  EXPECT_EQ(file.leases_of("default").size(), 1u);
}

TEST_F(LeaseStoreTest, AFileOfAnotherVersionIsKeptAside) {
  const std::string foreign = "# wgrouter leases 2\nwhat it means nobody knows\n";
  write(foreign);
  LeaseStore store{path()};
  EXPECT_TRUE(store.load().is_foreign);
  EXPECT_EQ(read(), foreign);
  EXPECT_EQ(store.save(leases(2)), "");
  EXPECT_EQ(store.save(leases(3)), "");

  EXPECT_EQ(read("leases.foreign"), foreign);
  EXPECT_EQ(LeaseStore{path()}.load().networks, leases(3));
}

TEST_F(LeaseStoreTest, WhatIsNoFileIsReported) {
  std::filesystem::create_directory(path());

  EXPECT_THAT(LeaseStore{path()}.load().faults, ElementsAre(HasSubstr("is no file")));
  EXPECT_THAT(LeaseStore{path()}.save(leases(2)), HasSubstr("cannot be written"));
  EXPECT_THAT(files(), ElementsAre("leases"));  // nothing was left aside
  EXPECT_THAT(LeaseStore{folder_ + "/"}.save(leases(2)), HasSubstr("is no file"));
}

TEST_F(LeaseStoreTest, AFolderThatIsMissingOrRefusesIsReported) {
  EXPECT_THAT(LeaseStore{folder_ + "/missing/leases"}.save(leases(2)), HasSubstr("folder"));
  // Nobody makes files there, not even root.
  EXPECT_THAT(LeaseStore{"/proc/self/leases"}.save(leases(2)), HasSubstr("cannot be written"));
}

TEST_F(LeaseStoreTest, TwoWritersLeaveOneWholeFile) {
  LeaseStore one{path()};
  LeaseStore two{path()};
  for (std::uint8_t i = 2; i < 20; ++i) {
    EXPECT_EQ((i % 2 == 0 ? one : two).save(leases(i)), "");
    EXPECT_EQ(one.load().networks, leases(i));
  }
  EXPECT_THAT(files(), UnorderedElementsAre("leases"));
}

}  // namespace
}  // namespace wgr
