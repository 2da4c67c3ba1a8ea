import { IsInt, IsString, Min } from 'class-validator';

/** Money that goes from one account to another. */
export class Transfer {
  @IsString() id!: string;
  @IsString() from!: string;
  @IsString() to!: string;
  @IsInt() @Min(1) cents!: number;
}

/** One half of a transfer, in the account's own order. */
export class Booking {
  @IsString() transferId!: string;
  @IsString() account!: string;
  /** Negative where the money leaves. */
  @IsInt() cents!: number;
}
