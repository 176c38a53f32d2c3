import Testing

@testable import RepriseHashing

/// Expected values were printed by CPython 3.11.
struct PythonHashTests {
    @Test(
        arguments: [
            (UInt32(0), "0", Int64(5_313_149_338_359_954_478)),
            (0, "vllm-none-hash", 8_586_095_329_078_945_837),
            (0, "", 0), (0, "01234567", -2_720_791_140_458_926_906),
            (0, "\u{FF}\u{80}", -4_029_632_007_696_555_812),
            (1, "1", -3_509_053_104_883_717_537), (1, "01234567", 5_442_308_046_047_405_835),
            (42, "42", 866_561_823_186_450_123), (42, "vllm-none-hash", 9_069_955_643_188_483_853),
            (.max, "4294967295", 8_891_781_246_207_573_802),
        ])
    func `a text hashes as under its PYTHONHASHSEED`(seed: UInt32, text: String, hash: Int64) {
        let latin1 = text.unicodeScalars.map { UInt8($0.value) }
        #expect(PythonHash(seed: seed).hash(ofLatin1: latin1) == hash)
    }

    @Test func `the empty tuple hashes as in CPython`() {
        #expect(PythonHash.emptyTuple == 5_740_354_900_026_072_187)
    }

    static let chains: [(noneHash: Int64, hashes: [Int64])] = [
        (0, [3_538_623_566_847_728_840, -574_337_833_973_994_434]),
        (-1, [-8_021_927_186_886_227_728, 97_521_499_069_239_939]),
        (.min, [-3_709_593_594_871_642_148, 1_771_295_760_143_342_318]),
        (.max, [-2_917_217_412_515_269_210, -3_652_359_410_393_839_435]),
        (5_313_149_338_359_954_478, [2_012_811_554_097_664_180, -6_763_335_718_800_172_306]),
    ]

    @Test(arguments: chains)
    func `integers at the modulus and the signs hash as in CPython`(noneHash: Int64, hashes: [Int64]) {
        let modulus: Int64 = (1 << 61) - 1
        let first: [Int64] = [0, 1, -1, -2, modulus, modulus - 1]
        let second: [Int64] = [modulus + 1, -modulus, -modulus - 1, .max, .min, 12_345_678_901_234_567]
        let link = PythonHash.chunk(after: noneHash, first.span)
        #expect([link, PythonHash.chunk(after: link, second.span)] == hashes)
    }

    @Test func `no tokens hash as in CPython`() {
        let none: [UInt32] = []
        #expect(PythonHash.chunk(after: 0, none.span) == 9_096_108_955_250_143_618)
    }
}
