#include "validation/collective_rows.hpp"

#include "unit/validation/table_file.hpp"

#include <gmock/gmock.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;
using testing::TableFile;

const std::string columns =
    "library,collective.gpu,collective.gpus,collective.nodes,collective.op,collective.size_bytes,"
    "measured.time_s\n";

Vocabulary h100_and_bare_wires() {
  Vocabulary words;
  words.machines.push_back({{{"collective.gpu", "H100"}}, "dgx-h100", ""});
  words.machines.push_back({{{"collective.gpu", "H800"}}, "", "nothing stands for it"});
  words.libraries.push_back({"bare wires", "none"});
  return words;
}

Prediction predict(const std::string& row) {
  const TableFile file(columns + row);
  CollectiveRows rows(Catalogue({"."}), h100_and_bare_wires());
  return rows.predict(file.read().rows.at(0));
}

TEST(CollectiveRows, RunTheOperationOnTheClusterThatStandsForTheMachine) {
  const Prediction out = predict("bare wires,H100,8.0,1,all_gather,8000000000,1\n");

  ASSERT_EQ(out.objection, "");
  // A ring moves 7/8 of the size over every link of 450 GB/s, of which 0.824 are payload.
  const double seconds = 7.0 / 8.0 * 8e9 / (450e9 * 0.824);
  EXPECT_NEAR(out.metrics.at("time_s"), seconds, 1e-4);
  EXPECT_NEAR(out.metrics.at("busbw_bytes_per_s"), 450e9 * 0.824, 2e9);
}

TEST(CollectiveRows, TakeAsManyGpusOfEachNode) {
  // Two rings of one GPU in each of two nodes: the adapter of 400 Gb/s binds.
  const Prediction out = predict("bare wires,H100,2,2,all_gather,1000000000,1\n");

  EXPECT_NEAR(out.metrics.at("time_s"), 0.5 * 1e9 / (50e9 * 0.97), 1e-4);
}

TEST(CollectiveRows, NameTheWordsThatNobodyTranslated) {
  EXPECT_THAT(predict("MPI,H100,8,1,all_reduce,1024,1\n").objection, HasSubstr("'MPI'"));
  EXPECT_THAT(predict("bare wires,T4,8,1,all_reduce,1024,1\n").objection, HasSubstr("'T4'"));
  EXPECT_EQ(predict("bare wires,H800,8,1,all_reduce,1024,1\n").objection, "nothing stands for it");
  EXPECT_THAT(predict("bare wires,H100,8,1,barrier,1024,1\n").objection, HasSubstr("'barrier'"));
}

TEST(CollectiveRows, CountBusBandwidthAsNcclTestsDo) {
  // NVIDIA nccl-tests doc/PERFORMANCE.md.
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::all_reduce, 8), 2.0 * 7.0 / 8.0);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::reduce_scatter, 8), 7.0 / 8.0);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::all_to_all, 8), 7.0 / 8.0);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::send_recv, 2), 1.0);
}

}  // namespace
}  // namespace orrery
