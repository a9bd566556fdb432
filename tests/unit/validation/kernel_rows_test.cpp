#include "validation/kernel_rows.hpp"

#include "unit/validation/table_file.hpp"

#include <gmock/gmock.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;
using testing::TableFile;

Kernel read_product(const Settings& settings) {
  settings.required_text("op");
  settings.accept("output_type");
  settings.accept("accumulate");
  const auto type = parse_number_type(settings.text("type").value_or("bf16"));
  return GemmKernel{.m = settings.required_integer("m"),
                    .n = settings.required_integer("n"),
                    .k = settings.required_integer("k"),
                    .type = type.value_or(NumberType::bf16)};
}

Prediction predict(const std::string& table, const Vocabulary& words = {}) {
  const TableFile file(table);
  KernelRows rows(Catalogue({"."}), words, read_product);
  return rows.predict(file.read().rows.at(0));
}

const std::string columns =
    "kernel.gpu,kernel.op,kernel.type,kernel.stage,kernel.m,kernel.n,kernel.k,measured.time_s\n";

TEST(KernelRows, PriceAKernelOnTheirGpu) {
  const Prediction out = predict(columns + "h100-sxm,gemm,bf16,fwd,4096.0,4096.0,4096.0,1e-3\n");

  ASSERT_EQ(out.objection, "");
  // 2·4096³ operations at the dense peak of 989 TFLOP/s are 139 us.
  EXPECT_GT(out.metrics.at("time_s"), 139e-6);
  EXPECT_LT(out.metrics.at("time_s"), 2.0 * 139e-6);
}

TEST(KernelRows, AddTheCastsThatWereTimedWithAProduct) {
  const std::string table = columns + "h100-sxm,gemm,fp8,,4096,4096,4096,1e-3\n";
  Vocabulary words;
  words.types.push_back(
      {"fp8", {}, "fp8", "", false, Seconds(0.0), {Around::absmax, Around::cast}});

  EXPECT_GT(predict(table, words).metrics.at("time_s"),
            predict(table).metrics.at("time_s") + 10e-6);
}

TEST(KernelRows, NameTheGpuThatNobodyKnows) {
  const Prediction out = predict(columns + "h100-sxn,gemm,bf16,,1,1,1,1e-3\n");

  EXPECT_THAT(out.objection, HasSubstr("did you mean 'h100-sxm'"));
}

TEST(KernelRows, DoNotIgnoreAColumnThatChangesTheKernel) {
  const Prediction out = predict(
      "kernel.gpu,kernel.op,kernel.m,kernel.n,kernel.k,kernel.sparsity,measured.time_s\n"
      "h100-sxm,gemm,1,1,1,2:4,1e-3\n");

  EXPECT_THAT(out.objection, HasSubstr("sparsity"));
}

}  // namespace
}  // namespace orrery
