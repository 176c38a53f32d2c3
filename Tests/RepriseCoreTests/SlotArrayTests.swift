import Testing

@testable import RepriseCore

@Suite struct SlotArrayTests {
    @Test(arguments: [0, 1, 7, 40]) func `elements survive growth`(capacity: Int) {
        let array = SlotArray<UInt64>(reserving: capacity)
        for value in 0..<1_000 {
            array.extend(toCount: value + 1, repeating: .max)
            #expect(array[value] == .max)
            array[value] = UInt64(value)
        }
        for value in 0..<1_000 { #expect(array[value] == UInt64(value)) }
    }

    @Test func `extending to fewer elements changes nothing`() {
        let array = SlotArray<UInt8>(reserving: 0)
        array.extend(toCount: 5, repeating: 1)
        array.extend(toCount: 2, repeating: 9)
        array.extend(toCount: 7, repeating: 3)
        let values = (0..<array.count).map { index in array[index] }
        #expect(values == [1, 1, 1, 1, 1, 3, 3])
    }

    @Test(arguments: [-1, 3, 16]) func `an index outside traps`(index: Int) async {
        await #expect(processExitsWith: .failure) { [index] in
            let array = SlotArray<UInt8>(reserving: 16)
            array.extend(toCount: 3, repeating: 0)
            array[index] = 1
        }
    }
}
