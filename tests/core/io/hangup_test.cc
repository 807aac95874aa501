#include "core/io/hangup.h"

#include <csignal>

#include "gtest/gtest.h"

namespace wgr::io {
namespace {

volatile std::sig_atomic_t hangups = 0;

TEST(HangupTest, SignalOfAStartWaitsForWhoObeysIt) {
  hold_hangups();
  std::raise(SIGHUP);  // would end the process
  std::raise(SIGHUP);

  const auto former = std::signal(SIGHUP, [](int) { hangups = hangups + 1; });
  EXPECT_EQ(hangups, 0);
  release_hangups();
  EXPECT_EQ(hangups, 1);
  std::raise(SIGHUP);
  EXPECT_EQ(hangups, 2);
  std::signal(SIGHUP, former);
}

}  // namespace
}  // namespace wgr::io
