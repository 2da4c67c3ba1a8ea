import { IsBoolean, IsInt, IsOptional, IsPositive, IsString } from 'class-validator';

export class DepositDto {
  @IsString()
  account!: string;

  /** In cents. */
  @IsInt()
  @IsPositive()
  amount!: number;

  /** Makes the transaction fail after everything was written. */
  @IsOptional()
  @IsBoolean()
  fail?: boolean;
}

/** What others are told. */
export interface Deposit {
  readonly account: string;
  readonly amount: number;
}
