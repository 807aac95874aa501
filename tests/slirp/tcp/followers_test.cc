// What follows a segment and differs in its place alone (slirp/segment_run.h) is taken without looking again.
#include "tests/slirp/tcp/scripted_guest.h"

namespace wgr::slirp::tcp {
namespace {

class TcpFollowersTest : public ScriptedGuest {};

TEST_F(TcpFollowersTest, FollowersAreReadAndAcknowledgedAsIfTheyHadComeAlone) {
  established();
  const wire::TcpView first = segment({.data = "one "});
  std::string rest[] = {"two ", "three"};
  const MutableBytes followers[] = {{reinterpret_cast<std::uint8_t*>(rest[0].data()), 4},
                                    {reinterpret_cast<std::uint8_t*>(rest[1].data()), 5}};
  connection_->receive(first, now_, out_);
  EXPECT_EQ(connection_->receive_followers(first, followers, now_), 2u);
  EXPECT_EQ(take(), "one two three");
  connection_->end_batch(now_, out_);
  EXPECT_EQ(said_one().ack, kGuestData + 13);
  EXPECT_EQ(counters_.bytes_in.value(), 13u);
}

TEST_F(TcpFollowersTest, FollowersBeyondTheWindowAreLeft) {
  config_.tcp.initial_receive_window = 2500;
  established();
  const wire::TcpView first = segment({.data = letters(1000)});
  std::vector<std::uint8_t> bytes(1000, 'x');
  const std::vector<MutableBytes> followers(3, MutableBytes{bytes});
  connection_->receive(first, now_, out_);
  EXPECT_EQ(connection_->receive_followers(first, followers, now_), 1u);
  EXPECT_EQ(take().size(), 2000u);
}

TEST_F(TcpFollowersTest, FollowersOfWhatWasNotTakenAreLeft) {
  established();
  std::vector<std::uint8_t> bytes(10, 'x');
  const MutableBytes followers[] = {bytes};
  const wire::TcpView beyond_a_hole = segment({.seq = kGuestData + 5, .data = "hole"});
  connection_->receive(beyond_a_hole, now_, out_);
  EXPECT_EQ(connection_->receive_followers(beyond_a_hole, followers, now_), 0u);
  // The hole is filled, but a segment still waits out of order.
  hear({.seq = kGuestData + 20, .data = "later"});
  hear({.data = "12345"});
  const wire::TcpView next = segment({.seq = kGuestData + 9, .data = "ab"});
  connection_->receive(next, now_, out_);
  EXPECT_EQ(connection_->receive_followers(next, followers, now_), 0u);
  EXPECT_EQ(take(), "12345holeab");
}

TEST_F(TcpFollowersTest, FollowersThatAcknowledgeNewsAreLeft) {
  established();
  give("ours");
  said();
  std::vector<std::uint8_t> bytes(10, 'x');
  const MutableBytes followers[] = {bytes};
  // As if the first had not been received: its acknowledgement is not old yet.
  const wire::TcpView unheard = segment({.seq = kGuestData - 4, .ack = kOurData + 4, .data = "past"});
  EXPECT_EQ(connection_->receive_followers(unheard, followers, now_), 0u);
  EXPECT_TRUE(connection_->readable().empty());
}

}  // namespace
}  // namespace wgr::slirp::tcp
