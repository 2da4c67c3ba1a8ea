import { Type } from 'class-transformer';
import { IsNotEmpty, IsPositive, ValidateNested } from 'class-validator';

class Customer {
  @IsNotEmpty()
  name!: string;
}

/** A payload with rules, also in a part of it. */
export class OrderPlaced {
  @IsNotEmpty()
  id!: string;

  @IsPositive()
  amount!: number;

  @ValidateNested()
  @Type(() => Customer)
  customer?: Customer;
}

/** What keeps the rules of {@link OrderPlaced}. */
export const GOOD = { id: 'o1', amount: 5 };
